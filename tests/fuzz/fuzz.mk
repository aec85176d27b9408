# Fuzz targets: over their corpus as an ordinary test, and by `make fuzz` with clang's libFuzzer.
FUZZ_TARGETS = xml codec tar zip sign index trace

check_PROGRAMS += tests/fuzz/corpus_xml tests/fuzz/corpus_codec tests/fuzz/corpus_tar \
	tests/fuzz/corpus_zip tests/fuzz/corpus_sign tests/fuzz/corpus_index \
	tests/fuzz/corpus_trace
TESTS += tests/fuzz/corpus_test.sh
EXTRA_DIST += tests/fuzz/corpus_test.sh tests/fuzz/make-corpus.sh
AM_FUZZ_CFLAGS = $(AM_CFLAGS) $(lib_libbmap_la_CFLAGS)

tests_fuzz_corpus_xml_SOURCES = tests/fuzz/fuzz_xml.c tests/fuzz/run_corpus.c tests/fuzz/fuzz.h
tests_fuzz_corpus_xml_CFLAGS = $(AM_FUZZ_CFLAGS)
tests_fuzz_corpus_xml_LDADD = lib/libbmap-internal.la
tests_fuzz_corpus_codec_SOURCES = tests/fuzz/fuzz_codec.c tests/fuzz/run_corpus.c tests/fuzz/fuzz.h
tests_fuzz_corpus_codec_CFLAGS = $(AM_FUZZ_CFLAGS)
tests_fuzz_corpus_codec_LDADD = lib/libbmap-internal.la
tests_fuzz_corpus_tar_SOURCES = tests/fuzz/fuzz_tar.c tests/fuzz/run_corpus.c tests/fuzz/fuzz.h
tests_fuzz_corpus_tar_CFLAGS = $(AM_FUZZ_CFLAGS)
tests_fuzz_corpus_tar_LDADD = lib/libbmap-internal.la
tests_fuzz_corpus_zip_SOURCES = tests/fuzz/fuzz_zip.c tests/fuzz/run_corpus.c tests/fuzz/fuzz.h
tests_fuzz_corpus_zip_CFLAGS = $(AM_FUZZ_CFLAGS)
tests_fuzz_corpus_zip_LDADD = lib/libbmap-internal.la
tests_fuzz_corpus_sign_SOURCES = tests/fuzz/fuzz_sign.c tests/fuzz/run_corpus.c tests/fuzz/fuzz.h
tests_fuzz_corpus_sign_CFLAGS = $(AM_FUZZ_CFLAGS)
tests_fuzz_corpus_sign_LDADD = lib/libbmap-internal.la
tests_fuzz_corpus_index_SOURCES = tests/fuzz/fuzz_index.c tests/fuzz/run_corpus.c tests/fuzz/fuzz.h
tests_fuzz_corpus_index_CFLAGS = $(AM_FUZZ_CFLAGS)
tests_fuzz_corpus_index_LDADD = lib/libbmap-internal.la
tests_fuzz_corpus_trace_SOURCES = tests/fuzz/fuzz_trace.c tests/fuzz/run_corpus.c tests/fuzz/fuzz.h
tests_fuzz_corpus_trace_CFLAGS = $(AM_FUZZ_CFLAGS)
tests_fuzz_corpus_trace_LDADD = lib/libbmap-internal.la

# make fuzz; then tests/fuzz/libfuzzer/fuzz_xml tests/fuzz/libfuzzer/corpus/xml
# The library is compiled anew, so that libFuzzer sees its branches.
FUZZ_CC = clang
FUZZ_FLAGS = -O1 -g -fsanitize=fuzzer,address,undefined -fno-sanitize-recover=all
FUZZ_DIR = tests/fuzz/libfuzzer
fuzz: config.h
	@$(MKDIR_P) $(FUZZ_DIR)
	$(srcdir)/tests/fuzz/make-corpus.sh $(FUZZ_DIR)/corpus
	@for target in $(FUZZ_TARGETS); do \
		echo "  FUZZ     fuzz_$$target"; \
		$(FUZZ_CC) $(FUZZ_FLAGS) -std=gnu17 $(AM_CPPFLAGS) \
			$(XML_CFLAGS) $(CRYPTO_CFLAGS) $(BLKID_CFLAGS) $(CURL_CFLAGS) \
			$(srcdir)/tests/fuzz/fuzz_$$target.c \
			$$(for f in $(lib_libbmap_la_OBJECTS); do \
				f=$${f%.lo}; echo "$(srcdir)/$${f%/*}/$${f##*libbmap_la-}.c"; done) \
			$(lib_libbmap_la_LIBADD) $(LIBS) -lpthread -o $(FUZZ_DIR)/fuzz_$$target || exit 1; \
	done
clean-local: fuzz-clean
fuzz-clean:
	rm -rf $(FUZZ_DIR)
.PHONY: fuzz fuzz-clean
