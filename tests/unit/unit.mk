# Unit tests: one program a module.
if WITH_CHECK
# The helpers of unit.h.
check_LTLIBRARIES += tests/unit/libunit.la
tests_unit_libunit_la_SOURCES = tests/unit/unit.c tests/unit/unit.h
tests_unit_libunit_la_CFLAGS = $(UNIT_CFLAGS)

UNIT_CFLAGS = $(AM_CFLAGS) $(CHECK_CFLAGS) $(lib_libbmap_la_CFLAGS) -I$(top_srcdir)/tests/unit
UNIT_LIBS = tests/unit/libunit.la lib/libbmap-internal.la $(CHECK_LIBS)

UNIT_TESTS = \
	tests/unit/test_archive \
	tests/unit/test_archive_tar \
	tests/unit/test_archive_zip \
	tests/unit/test_bmap \
	tests/unit/test_bmap_xml_read \
	tests/unit/test_bmap_xml_write \
	tests/unit/test_buffer_pool \
	tests/unit/test_child \
	tests/unit/test_copy \
	tests/unit/test_decoder \
	tests/unit/test_digest \
	tests/unit/test_error \
	tests/unit/test_fact_table \
	tests/unit/test_fd_io \
	tests/unit/test_gzip_index \
	tests/unit/test_http_answer \
	tests/unit/test_image_find \
	tests/unit/test_image_holes \
	tests/unit/test_image_reader \
	tests/unit/test_job \
	tests/unit/test_map_builder \
	tests/unit/test_option_table \
	tests/unit/test_overlay \
	tests/unit/test_partition_table \
	tests/unit/test_piece_cache \
	tests/unit/test_piece_index \
	tests/unit/test_piece_index_file \
	tests/unit/test_piece_queue \
	tests/unit/test_piece_store \
	tests/unit/test_queue \
	tests/unit/test_range_hasher \
	tests/unit/test_range_ledger \
	tests/unit/test_range_set \
	tests/unit/test_range_verifier \
	tests/unit/test_record_map \
	tests/unit/test_sign \
	tests/unit/test_slice \
	tests/unit/test_source \
	tests/unit/test_source_pool \
	tests/unit/test_source_url \
	tests/unit/test_sparse_store \
	tests/unit/test_spill \
	tests/unit/test_splitter \
	tests/unit/test_target \
	tests/unit/test_thread \
	tests/unit/test_trace \
	tests/unit/test_units \
	tests/unit/test_view
check_PROGRAMS += $(UNIT_TESTS)
TESTS += $(UNIT_TESTS)

tests_unit_test_archive_SOURCES = tests/unit/test_archive.c
tests_unit_test_archive_CFLAGS = $(UNIT_CFLAGS)
tests_unit_test_archive_LDADD = $(UNIT_LIBS)
tests_unit_test_archive_tar_SOURCES = tests/unit/test_archive_tar.c
tests_unit_test_archive_tar_CFLAGS = $(UNIT_CFLAGS)
tests_unit_test_archive_tar_LDADD = $(UNIT_LIBS)
tests_unit_test_archive_zip_SOURCES = tests/unit/test_archive_zip.c
tests_unit_test_archive_zip_CFLAGS = $(UNIT_CFLAGS)
tests_unit_test_archive_zip_LDADD = $(UNIT_LIBS)
tests_unit_test_bmap_SOURCES = tests/unit/test_bmap.c
tests_unit_test_bmap_CFLAGS = $(UNIT_CFLAGS)
tests_unit_test_bmap_LDADD = $(UNIT_LIBS)
tests_unit_test_bmap_xml_read_SOURCES = tests/unit/test_bmap_xml_read.c
tests_unit_test_bmap_xml_read_CFLAGS = $(UNIT_CFLAGS)
tests_unit_test_bmap_xml_read_LDADD = $(UNIT_LIBS)
tests_unit_test_bmap_xml_write_SOURCES = tests/unit/test_bmap_xml_write.c
tests_unit_test_bmap_xml_write_CFLAGS = $(UNIT_CFLAGS)
tests_unit_test_bmap_xml_write_LDADD = $(UNIT_LIBS)
tests_unit_test_buffer_pool_SOURCES = tests/unit/test_buffer_pool.c
tests_unit_test_buffer_pool_CFLAGS = $(UNIT_CFLAGS)
tests_unit_test_buffer_pool_LDADD = $(UNIT_LIBS)
tests_unit_test_child_SOURCES = tests/unit/test_child.c
tests_unit_test_child_CFLAGS = $(UNIT_CFLAGS)
tests_unit_test_child_LDADD = $(UNIT_LIBS)
tests_unit_test_copy_SOURCES = tests/unit/test_copy.c
tests_unit_test_copy_CFLAGS = $(UNIT_CFLAGS)
tests_unit_test_copy_LDADD = $(UNIT_LIBS)
tests_unit_test_decoder_SOURCES = tests/unit/test_decoder.c
tests_unit_test_decoder_CFLAGS = $(UNIT_CFLAGS)
tests_unit_test_decoder_LDADD = $(UNIT_LIBS)
tests_unit_test_digest_SOURCES = tests/unit/test_digest.c
tests_unit_test_digest_CFLAGS = $(UNIT_CFLAGS)
tests_unit_test_digest_LDADD = $(UNIT_LIBS)
tests_unit_test_error_SOURCES = tests/unit/test_error.c
tests_unit_test_error_CFLAGS = $(UNIT_CFLAGS)
tests_unit_test_error_LDADD = $(UNIT_LIBS)
tests_unit_test_fact_table_SOURCES = tests/unit/test_fact_table.c
tests_unit_test_fact_table_CFLAGS = $(UNIT_CFLAGS)
tests_unit_test_fact_table_LDADD = $(UNIT_LIBS)
tests_unit_test_fd_io_SOURCES = tests/unit/test_fd_io.c
tests_unit_test_fd_io_CFLAGS = $(UNIT_CFLAGS)
tests_unit_test_fd_io_LDADD = $(UNIT_LIBS)
tests_unit_test_gzip_index_SOURCES = tests/unit/test_gzip_index.c
tests_unit_test_gzip_index_CFLAGS = $(UNIT_CFLAGS)
tests_unit_test_gzip_index_LDADD = $(UNIT_LIBS)
tests_unit_test_http_answer_SOURCES = tests/unit/test_http_answer.c
tests_unit_test_http_answer_CFLAGS = $(UNIT_CFLAGS)
tests_unit_test_http_answer_LDADD = $(UNIT_LIBS)
tests_unit_test_image_find_SOURCES = tests/unit/test_image_find.c
tests_unit_test_image_find_CFLAGS = $(UNIT_CFLAGS)
tests_unit_test_image_find_LDADD = $(UNIT_LIBS)
tests_unit_test_image_holes_SOURCES = tests/unit/test_image_holes.c
tests_unit_test_image_holes_CFLAGS = $(UNIT_CFLAGS)
tests_unit_test_image_holes_LDADD = $(UNIT_LIBS)
tests_unit_test_image_reader_SOURCES = tests/unit/test_image_reader.c
tests_unit_test_image_reader_CFLAGS = $(UNIT_CFLAGS)
tests_unit_test_image_reader_LDADD = $(UNIT_LIBS)
tests_unit_test_job_SOURCES = tests/unit/test_job.c
tests_unit_test_job_CFLAGS = $(UNIT_CFLAGS)
tests_unit_test_job_LDADD = $(UNIT_LIBS)
tests_unit_test_map_builder_SOURCES = tests/unit/test_map_builder.c
tests_unit_test_map_builder_CFLAGS = $(UNIT_CFLAGS)
tests_unit_test_map_builder_LDADD = $(UNIT_LIBS)
tests_unit_test_option_table_SOURCES = tests/unit/test_option_table.c
tests_unit_test_option_table_CFLAGS = $(UNIT_CFLAGS)
tests_unit_test_option_table_LDADD = lib/libcli.la $(UNIT_LIBS)
tests_unit_test_overlay_SOURCES = tests/unit/test_overlay.c
tests_unit_test_overlay_CFLAGS = $(UNIT_CFLAGS)
tests_unit_test_overlay_LDADD = $(UNIT_LIBS)
tests_unit_test_partition_table_SOURCES = tests/unit/test_partition_table.c
tests_unit_test_partition_table_CFLAGS = $(UNIT_CFLAGS)
tests_unit_test_partition_table_LDADD = $(UNIT_LIBS)
tests_unit_test_piece_cache_SOURCES = tests/unit/test_piece_cache.c
tests_unit_test_piece_cache_CFLAGS = $(UNIT_CFLAGS)
tests_unit_test_piece_cache_LDADD = $(UNIT_LIBS)
tests_unit_test_piece_index_SOURCES = tests/unit/test_piece_index.c
tests_unit_test_piece_index_CFLAGS = $(UNIT_CFLAGS)
tests_unit_test_piece_index_LDADD = $(UNIT_LIBS)
tests_unit_test_piece_index_file_SOURCES = tests/unit/test_piece_index_file.c
tests_unit_test_piece_index_file_CFLAGS = $(UNIT_CFLAGS)
tests_unit_test_piece_index_file_LDADD = $(UNIT_LIBS)
tests_unit_test_piece_queue_SOURCES = tests/unit/test_piece_queue.c
tests_unit_test_piece_queue_CFLAGS = $(UNIT_CFLAGS)
tests_unit_test_piece_queue_LDADD = $(UNIT_LIBS)
tests_unit_test_piece_store_SOURCES = tests/unit/test_piece_store.c
tests_unit_test_piece_store_CFLAGS = $(UNIT_CFLAGS)
tests_unit_test_piece_store_LDADD = $(UNIT_LIBS)
tests_unit_test_queue_SOURCES = tests/unit/test_queue.c
tests_unit_test_queue_CFLAGS = $(UNIT_CFLAGS)
tests_unit_test_queue_LDADD = $(UNIT_LIBS)
tests_unit_test_range_hasher_SOURCES = tests/unit/test_range_hasher.c
tests_unit_test_range_hasher_CFLAGS = $(UNIT_CFLAGS)
tests_unit_test_range_hasher_LDADD = $(UNIT_LIBS)
tests_unit_test_range_ledger_SOURCES = tests/unit/test_range_ledger.c
tests_unit_test_range_ledger_CFLAGS = $(UNIT_CFLAGS)
tests_unit_test_range_ledger_LDADD = $(UNIT_LIBS)
tests_unit_test_range_set_SOURCES = tests/unit/test_range_set.c
tests_unit_test_range_set_CFLAGS = $(UNIT_CFLAGS)
tests_unit_test_range_set_LDADD = $(UNIT_LIBS)
tests_unit_test_range_verifier_SOURCES = tests/unit/test_range_verifier.c
tests_unit_test_range_verifier_CFLAGS = $(UNIT_CFLAGS)
tests_unit_test_range_verifier_LDADD = $(UNIT_LIBS)
tests_unit_test_record_map_SOURCES = tests/unit/test_record_map.c
tests_unit_test_record_map_CFLAGS = $(UNIT_CFLAGS)
tests_unit_test_record_map_LDADD = $(UNIT_LIBS)
tests_unit_test_sign_SOURCES = tests/unit/test_sign.c
tests_unit_test_sign_CFLAGS = $(UNIT_CFLAGS)
tests_unit_test_sign_LDADD = $(UNIT_LIBS)
tests_unit_test_slice_SOURCES = tests/unit/test_slice.c
tests_unit_test_slice_CFLAGS = $(UNIT_CFLAGS)
tests_unit_test_slice_LDADD = $(UNIT_LIBS)
tests_unit_test_source_SOURCES = tests/unit/test_source.c
tests_unit_test_source_CFLAGS = $(UNIT_CFLAGS)
tests_unit_test_source_LDADD = $(UNIT_LIBS)
tests_unit_test_source_pool_SOURCES = tests/unit/test_source_pool.c
tests_unit_test_source_pool_CFLAGS = $(UNIT_CFLAGS)
tests_unit_test_source_pool_LDADD = $(UNIT_LIBS)
tests_unit_test_source_url_SOURCES = tests/unit/test_source_url.c
tests_unit_test_source_url_CFLAGS = $(UNIT_CFLAGS)
tests_unit_test_source_url_LDADD = $(UNIT_LIBS)
tests_unit_test_sparse_store_SOURCES = tests/unit/test_sparse_store.c
tests_unit_test_sparse_store_CFLAGS = $(UNIT_CFLAGS)
tests_unit_test_sparse_store_LDADD = $(UNIT_LIBS)
tests_unit_test_spill_SOURCES = tests/unit/test_spill.c
tests_unit_test_spill_CFLAGS = $(UNIT_CFLAGS)
tests_unit_test_spill_LDADD = $(UNIT_LIBS)
tests_unit_test_splitter_SOURCES = tests/unit/test_splitter.c
tests_unit_test_splitter_CFLAGS = $(UNIT_CFLAGS)
tests_unit_test_splitter_LDADD = $(UNIT_LIBS)
tests_unit_test_target_SOURCES = tests/unit/test_target.c
tests_unit_test_target_CFLAGS = $(UNIT_CFLAGS)
tests_unit_test_target_LDADD = $(UNIT_LIBS)
tests_unit_test_thread_SOURCES = tests/unit/test_thread.c
tests_unit_test_thread_CFLAGS = $(UNIT_CFLAGS)
tests_unit_test_thread_LDADD = $(UNIT_LIBS)
tests_unit_test_trace_SOURCES = tests/unit/test_trace.c
tests_unit_test_trace_CFLAGS = $(UNIT_CFLAGS)
tests_unit_test_trace_LDADD = $(UNIT_LIBS)
tests_unit_test_units_SOURCES = tests/unit/test_units.c
tests_unit_test_units_CFLAGS = $(UNIT_CFLAGS)
tests_unit_test_units_LDADD = $(UNIT_LIBS)
tests_unit_test_view_SOURCES = tests/unit/test_view.c
tests_unit_test_view_CFLAGS = $(UNIT_CFLAGS)
tests_unit_test_view_LDADD = $(UNIT_LIBS)
endif
