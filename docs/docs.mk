EXTRA_DIST += docs/architecture.md docs/exactness.md docs/wic.md
