EXTRA_DIST += bench/README.md bench/make-image bench/run bench/run-mount bench/run-trace bench/cost.py \
	bench/formats.py bench/no_record.c bench/null_fuse.c bench/mount_report.py bench/mounts.py bench/places.py bench/report.py bench/results.py \
	bench/trace_report.py bench/traced.py bench/traffic.py bench/measure.c
