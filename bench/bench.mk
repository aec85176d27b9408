EXTRA_DIST += bench/README.md bench/make-image bench/run bench/cost.py bench/places.py bench/report.py bench/measure.c
