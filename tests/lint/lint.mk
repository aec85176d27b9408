# Tests of the sources themselves; they need no build but for symbols.sh and options.sh, and get
# from the environment of the tests: top_srcdir, LIBBMAP_SO (the shared library; without it
# symbols.sh looks in $top_builddir/lib/.libs), BMAPTOOL and BMAPFS (the programs), CC.
LINT_TESTS = \
	tests/lint/format.sh \
	tests/lint/headers.sh \
	tests/lint/layers.sh \
	tests/lint/names.sh \
	tests/lint/options.sh \
	tests/lint/shell.sh \
	tests/lint/symbols.sh
TESTS += $(LINT_TESTS)
EXTRA_DIST += $(LINT_TESTS)
