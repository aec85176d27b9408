# The tests: units, lints, fuzz corpora and what a user sees (e2e).
include tests/unit/unit.mk
include tests/fuzz/fuzz.mk
include tests/lint/lint.mk
include tests/tools/tools.mk

TEST_EXTENSIONS = .sh
# No test takes a third of it: what hangs fails, and the others go on.
SH_LOG_COMPILER = timeout -k 10 600 bash
AM_TESTS_ENVIRONMENT = \
	BMAPTOOL='$(abs_top_builddir)/bmaptool/bmaptool'; export BMAPTOOL; \
	BMAPFS='$(abs_top_builddir)/bmapfs/bmapfs'; export BMAPFS; \
	BMAP_FEATURES='$(BMAP_FEATURES)'; export BMAP_FEATURES; \
	LIBBMAP_SO='$(abs_top_builddir)/lib/.libs/libbmap.so'; export LIBBMAP_SO; \
	top_srcdir='$(abs_top_srcdir)'; export top_srcdir; \
	top_builddir='$(abs_top_builddir)'; export top_builddir; \
	CC='$(CC)'; export CC; \
	PYTHONDONTWRITEBYTECODE=1; export PYTHONDONTWRITEBYTECODE;

e2e_tests = \
	tests/e2e/archive_broken.sh \
	tests/e2e/archive_map_inside.sh \
	tests/e2e/archive_members.sh \
	tests/e2e/archive_members_stdin.sh \
	tests/e2e/archive_tar.sh \
	tests/e2e/archive_tar_formats.sh \
	tests/e2e/archive_tar_sparse.sh \
	tests/e2e/archive_zip.sh \
	tests/e2e/cli_colours.sh \
	tests/e2e/cli_debug.sh \
	tests/e2e/cli_exclusions.sh \
	tests/e2e/cli_exit_codes.sh \
	tests/e2e/cli_help.sh \
	tests/e2e/cli_messages.sh \
	tests/e2e/cli_positions.sh \
	tests/e2e/cli_prefixes.sh \
	tests/e2e/cli_progress.sh \
	tests/e2e/cli_psplash.sh \
	tests/e2e/cli_quiet.sh \
	tests/e2e/cli_streams.sh \
	tests/e2e/cli_usage.sh \
	tests/e2e/cli_version.sh \
	tests/e2e/codec_blocks.sh \
	tests/e2e/codec_bomb.sh \
	tests/e2e/codec_corrupt.sh \
	tests/e2e/codec_detect.sh \
	tests/e2e/codec_garbage.sh \
	tests/e2e/codec_gzip_forms.sh \
	tests/e2e/codec_hostile.sh \
	tests/e2e/codec_lz4_forms.sh \
	tests/e2e/codec_lzop.sh \
	tests/e2e/codec_members.sh \
	tests/e2e/codec_stdin.sh \
	tests/e2e/codec_truncated.sh \
	tests/e2e/codec_truncated_blocks.sh \
	tests/e2e/codec_xz_forms.sh \
	tests/e2e/codec_zstd_forms.sh \
	tests/e2e/copy_checksum_mismatch.sh \
	tests/e2e/copy_clone.sh \
	tests/e2e/copy_compressed_map.sh \
	tests/e2e/copy_descending.sh \
	tests/e2e/copy_destination_untouched.sh \
	tests/e2e/copy_device_garbage.sh \
	tests/e2e/copy_existing_file.sh \
	tests/e2e/copy_full.sh \
	tests/e2e/copy_interrupt.sh \
	tests/e2e/copy_memory.sh \
	tests/e2e/copy_messages.sh \
	tests/e2e/copy_missing.sh \
	tests/e2e/copy_nobmap.sh \
	tests/e2e/copy_nobmap_device.sh \
	tests/e2e/copy_options.sh \
	tests/e2e/copy_out_of_memory.sh \
	tests/e2e/copy_random_ranges.sh \
	tests/e2e/copy_range_past_end.sh \
	tests/e2e/copy_same_device.sh \
	tests/e2e/copy_same_file.sh \
	tests/e2e/copy_short_image.sh \
	tests/e2e/copy_sizes.sh \
	tests/e2e/copy_sizes_compressed.sh \
	tests/e2e/create_all_mapped.sh \
	tests/e2e/create_block_device.sh \
	tests/e2e/create_checksum_types.sh \
	tests/e2e/create_detect_zeroes.sh \
	tests/e2e/create_detect_zeroes_http.sh \
	tests/e2e/create_ext4_journal.sh \
	tests/e2e/create_filesystem_btrfs.sh \
	tests/e2e/create_filesystem_plain.sh \
	tests/e2e/create_filesystem_xfs.sh \
	tests/e2e/create_image_fails.sh \
	tests/e2e/create_layout.sh \
	tests/e2e/create_leaves_image.sh \
	tests/e2e/create_no_checksum.sh \
	tests/e2e/create_nomap.sh \
	tests/e2e/create_nomap_bad.sh \
	tests/e2e/create_nomap_partition.sh \
	tests/e2e/create_oracle_sizes.sh \
	tests/e2e/create_oracle_tmpfs.sh \
	tests/e2e/create_output.sh \
	tests/e2e/create_output_fails.sh \
	tests/e2e/create_python_reads.sh \
	tests/e2e/create_range_size.sh \
	tests/e2e/create_read_only_folder.sh \
	tests/e2e/create_round_trip.sh \
	tests/e2e/create_same_file.sh \
	tests/e2e/create_unwritten.sh \
	tests/e2e/fault_416.sh \
	tests/e2e/fault_503.sh \
	tests/e2e/fault_changed.sh \
	tests/e2e/fault_chunked.sh \
	tests/e2e/fault_content_range.sh \
	tests/e2e/fault_drop_resume.sh \
	tests/e2e/fault_endless.sh \
	tests/e2e/fault_midway.sh \
	tests/e2e/fault_no_ranges.sh \
	tests/e2e/fault_pages.sh \
	tests/e2e/fault_redirect.sh \
	tests/e2e/fault_short_body.sh \
	tests/e2e/fault_stall.sh \
	tests/e2e/garbage_btrfs.sh \
	tests/e2e/garbage_erofs.sh \
	tests/e2e/garbage_ext2.sh \
	tests/e2e/garbage_ext3.sh \
	tests/e2e/garbage_ext4.sh \
	tests/e2e/garbage_ext4_features.sh \
	tests/e2e/garbage_f2fs.sh \
	tests/e2e/garbage_genimage.sh \
	tests/e2e/garbage_loop_btrfs.sh \
	tests/e2e/garbage_loop_ext4.sh \
	tests/e2e/garbage_loop_vfat.sh \
	tests/e2e/garbage_loop_xfs.sh \
	tests/e2e/garbage_luks.sh \
	tests/e2e/garbage_partitions.sh \
	tests/e2e/garbage_punch.sh \
	tests/e2e/garbage_qemu.sh \
	tests/e2e/garbage_squashfs.sh \
	tests/e2e/garbage_swap.sh \
	tests/e2e/garbage_trimmed.sh \
	tests/e2e/garbage_uboot.sh \
	tests/e2e/garbage_verity.sh \
	tests/e2e/garbage_vfat.sh \
	tests/e2e/garbage_wic.sh \
	tests/e2e/garbage_xfs.sh \
	tests/e2e/index_gzip.sh \
	tests/e2e/map_bad_checksum.sh \
	tests/e2e/map_bad_numbers.sh \
	tests/e2e/map_bad_ranges.sh \
	tests/e2e/map_bad_version.sh \
	tests/e2e/map_bad_xml.sh \
	tests/e2e/map_bomb.sh \
	tests/e2e/map_compressed.sh \
	tests/e2e/map_external_entity.sh \
	tests/e2e/map_many_ranges.sh \
	tests/e2e/map_missing.sh \
	tests/e2e/map_range_checksums.sh \
	tests/e2e/map_versions.sh \
	tests/e2e/mount_background.sh \
	tests/e2e/mount_by_mount.sh \
	tests/e2e/mount_cache.sh \
	tests/e2e/mount_cache_crash.sh \
	tests/e2e/mount_cache_size.sh \
	tests/e2e/mount_cli.sh \
	tests/e2e/mount_codecs.sh \
	tests/e2e/mount_codecs_forward.sh \
	tests/e2e/mount_concurrent.sh \
	tests/e2e/mount_copies.sh \
	tests/e2e/mount_corrupt.sh \
	tests/e2e/mount_failures.sh \
	tests/e2e/mount_fault_416.sh \
	tests/e2e/mount_fault_changed.sh \
	tests/e2e/mount_fault_full.sh \
	tests/e2e/mount_fault_gone.sh \
	tests/e2e/mount_fault_no_ranges.sh \
	tests/e2e/mount_fault_restart.sh \
	tests/e2e/mount_fault_short.sh \
	tests/e2e/mount_fault_stall.sh \
	tests/e2e/mount_fio.sh \
	tests/e2e/mount_foreground.sh \
	tests/e2e/mount_gzip_index.sh \
	tests/e2e/mount_gzip_published.sh \
	tests/e2e/mount_gzip_windows.sh \
	tests/e2e/mount_http_bytes.sh \
	tests/e2e/mount_http_raw.sh \
	tests/e2e/mount_loop.sh \
	tests/e2e/mount_memory.sh \
	tests/e2e/mount_names.sh \
	tests/e2e/mount_options.sh \
	tests/e2e/mount_other_map.sh \
	tests/e2e/mount_over_file.sh \
	tests/e2e/mount_overlay.sh \
	tests/e2e/mount_overlay_crash.sh \
	tests/e2e/mount_overlay_filesystem.sh \
	tests/e2e/mount_overlay_other.sh \
	tests/e2e/mount_qemu.sh \
	tests/e2e/mount_read_only.sh \
	tests/e2e/mount_seek.sh \
	tests/e2e/mount_sign.sh \
	tests/e2e/mount_signal.sh \
	tests/e2e/mount_source_image.sh \
	tests/e2e/mount_source_map.sh \
	tests/e2e/mount_stalled_reader.sh \
	tests/e2e/mount_stat.sh \
	tests/e2e/mount_statistics.sh \
	tests/e2e/mount_syslog.sh \
	tests/e2e/mount_truncated.sh \
	tests/e2e/mount_unprivileged.sh \
	tests/e2e/mount_verify_large.sh \
	tests/e2e/mount_verify_strict.sh \
	tests/e2e/mount_verify_window.sh \
	tests/e2e/regress_codec_first_bytes.sh \
	tests/e2e/regress_corrupt_pipe.sh \
	tests/e2e/regress_create_huge_hole.sh \
	tests/e2e/regress_create_interrupt.sh \
	tests/e2e/regress_dangling_link.sh \
	tests/e2e/regress_dev_by_other_ways.sh \
	tests/e2e/regress_interrupt_hole.sh \
	tests/e2e/regress_interrupt_stalled.sh \
	tests/e2e/regress_interrupt_sync.sh \
	tests/e2e/regress_loop_on_image.sh \
	tests/e2e/regress_memory_long.sh \
	tests/e2e/regress_resume_other.sh \
	tests/e2e/regress_sign_appended.sh \
	tests/e2e/regress_sign_archive.sh \
	tests/e2e/regress_sign_nobmap.sh \
	tests/e2e/regress_sign_stdin_map.sh \
	tests/e2e/regress_sign_unreadable.sh \
	tests/e2e/regress_tar_headers.sh \
	tests/e2e/regress_tar_sparse.sh \
	tests/e2e/regress_zip_size.sh \
	tests/e2e/sign_bad.sh \
	tests/e2e/sign_detached.sh \
	tests/e2e/sign_expired.sh \
	tests/e2e/sign_fingerprint.sh \
	tests/e2e/sign_http.sh \
	tests/e2e/sign_inline.sh \
	tests/e2e/sign_inline_escapes.sh \
	tests/e2e/sign_keyring.sh \
	tests/e2e/sign_missing.sh \
	tests/e2e/sign_names.sh \
	tests/e2e/sign_no_gpg.sh \
	tests/e2e/sign_no_verify.sh \
	tests/e2e/sign_options.sh \
	tests/e2e/sign_own_keyring.sh \
	tests/e2e/sign_several.sh \
	tests/e2e/source_file_url.sh \
	tests/e2e/source_ftp.sh \
	tests/e2e/source_http_auth.sh \
	tests/e2e/source_http_raw.sh \
	tests/e2e/source_http_requests.sh \
	tests/e2e/source_http_single.sh \
	tests/e2e/source_https.sh \
	tests/e2e/source_names.sh \
	tests/e2e/source_netrc.sh \
	tests/e2e/source_nginx.sh \
	tests/e2e/source_proxy.sh \
	tests/e2e/source_query.sh \
	tests/e2e/source_scp.sh \
	tests/e2e/source_sftp.sh \
	tests/e2e/source_ssh.sh \
	tests/e2e/source_ssh_broken.sh \
	tests/e2e/source_stdin.sh \
	tests/e2e/target_4k_sectors.sh \
	tests/e2e/target_busy_holder.sh \
	tests/e2e/target_busy_mounted.sh \
	tests/e2e/target_busy_partition.sh \
	tests/e2e/target_dev_null_full.sh \
	tests/e2e/target_dev_typo.sh \
	tests/e2e/target_dm_error.sh \
	tests/e2e/target_interrupt.sh \
	tests/e2e/target_is_map.sh \
	tests/e2e/target_not_a_file.sh \
	tests/e2e/target_odd_size.sh \
	tests/e2e/target_partition_table.sh \
	tests/e2e/target_regular_file.sh \
	tests/e2e/target_removable.sh \
	tests/e2e/target_sysfs.sh \
	tests/e2e/target_too_small.sh \
	tests/e2e/target_write_error.sh \
	tests/e2e/trace_calls.sh \
	tests/e2e/trace_closed.sh \
	tests/e2e/trace_concurrent.sh \
	tests/e2e/trace_cp.sh \
	tests/e2e/trace_crash.sh \
	tests/e2e/trace_cut_disk.sh \
	tests/e2e/trace_cut_kill.sh \
	tests/e2e/trace_eio.sh \
	tests/e2e/trace_events.sh \
	tests/e2e/trace_exercise.sh \
	tests/e2e/trace_file.sh \
	tests/e2e/trace_fio.sh \
	tests/e2e/trace_found.sh \
	tests/e2e/trace_full.sh \
	tests/e2e/trace_large.sh \
	tests/e2e/trace_links.sh \
	tests/e2e/trace_names.sh \
	tests/e2e/trace_outside.sh \
	tests/e2e/trace_permissions.sh \
	tests/e2e/trace_record_cut.sh \
	tests/e2e/trace_refused.sh \
	tests/e2e/trace_show.sh \
	tests/e2e/trace_twice.sh
TESTS += $(e2e_tests)
EXTRA_DIST += $(e2e_tests) \
	tests/e2e/common.sh \
	tests/tools/cut_generators.sh \
	tests/tools/exactness.sh \
	tests/tools/f2fs_files.py \
	tests/tools/fail_pwrite.c \
	tests/tools/faulty_server.py \
	tests/tools/filemap_copy.py \
	tests/tools/ftp_server.py \
	tests/tools/garbage.py \
	tests/tools/garbage.sh \
	tests/tools/garbage_cases.sh \
	tests/tools/helpers.sh \
	tests/tools/mount.sh \
	tests/data/README \
	tests/data/check-map.py \
	tests/data/make-maps.py \
	tests/data/make-seekable.py \
	tests/expected-features \
	tests/expected-skips

# The whole suite once more with sanitizers, in a copy of the tree: it may be configured anywhere.
# ThreadSanitizer is for the copy and the mount: their threads, and all that feeds and stops them.  (Not where a
# signal ends the program before there is a job: its threads end with it, which TSan calls a leak.)
tsan_tests = $(UNIT_TESTS) $(filter tests/e2e/copy_% tests/e2e/fault_drop% tests/e2e/fault_midway% \
	tests/e2e/fault_stall% tests/e2e/codec_blocks% tests/e2e/codec_stdin% \
	tests/e2e/archive_tar_sparse% tests/e2e/create_detect% tests/e2e/create_round% \
	tests/e2e/regress_corrupt% tests/e2e/regress_interrupt_st% tests/e2e/regress_interrupt_sy% \
	tests/e2e/mount_cache% tests/e2e/mount_codecs% tests/e2e/mount_concurrent% \
	tests/e2e/mount_fault_gone% tests/e2e/mount_fault_restart% tests/e2e/mount_gzip_index% \
	tests/e2e/mount_overlay% tests/e2e/mount_signal% tests/e2e/mount_stalled% \
	tests/e2e/mount_verify% \
	tests/e2e/target_interrupt% tests/e2e/trace_concurrent% \
	tests/e2e/trace_exercise% tests/e2e/trace_fio%, \
	$(e2e_tests))

# The garbage tests look at maps: what the programs do in them, those of the traced folder do as well.
# Those that cut generators look at what is left of them.
asan_tests = $(filter-out tests/e2e/garbage_% tests/e2e/trace_cut_% tests/lint/%,$(TESTS)) \
	tests/e2e/garbage_wic.sh

check-asan:
	$(MAKE) $(AM_MAKEFLAGS) sanitized-check name=asan sanitizer=address,undefined \
		checks='TESTS=$(asan_tests)'
check-tsan:
	$(MAKE) $(AM_MAKEFLAGS) sanitized-check name=tsan sanitizer=thread \
		checks='TESTS=$(tsan_tests)'

sanitized-check: distdir
	rm -rf build-$(name)-src build-$(name)
	mv $(distdir) build-$(name)-src
	mkdir build-$(name)
	cd build-$(name) && ../build-$(name)-src/configure --enable-werror --disable-shared \
		--enable-static --enable-sanitizer=$(sanitizer) CFLAGS='-O1 -g'
	$(MAKE) -C build-$(name) check $(if $(checks),'$(checks)')

clean-local: sanitized-clean
sanitized-clean:
	rm -rf build-asan build-asan-src build-tsan build-tsan-src

.PHONY: check-asan check-tsan sanitized-check sanitized-clean
