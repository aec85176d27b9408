# libbmap: a list a layer, from the ground up (lib/LAYERS).
lib_LTLIBRARIES += lib/libbmap.la
noinst_LTLIBRARIES += lib/libcli.la

bmapincludedir = $(includedir)/bmap
bmapinclude_HEADERS = \
	lib/include/bmap/bmap.h \
	lib/include/bmap/error.h \
	lib/include/bmap/image.h \
	lib/include/bmap/job.h \
	lib/include/bmap/log.h \
	lib/include/bmap/macros.h \
	lib/include/bmap/overlay.h \
	lib/include/bmap/sign.h \
	lib/include/bmap/target.h \
	lib/include/bmap/trace.h \
	lib/include/bmap/view.h

lib_libbmap_la_SOURCES =
include lib/base/base.mk
include lib/map/map.mk
include lib/trace/trace.mk
include lib/source/source.mk
include lib/codec/codec.mk
include lib/image/image.mk
include lib/view/view.mk
include lib/sign/sign.mk
include lib/target/target.mk
include lib/copy/copy.mk

lib_libbmap_la_CFLAGS = $(AM_CFLAGS) $(XML_CFLAGS) $(CRYPTO_CFLAGS) $(ZLIB_CFLAGS) $(LZMA_CFLAGS) \
	$(CURL_CFLAGS) $(ZSTD_CFLAGS) $(LZ4_CFLAGS) $(LZO_CFLAGS) $(ISAL_CFLAGS) $(BLKID_CFLAGS)
lib_libbmap_la_LIBADD = $(XML_LIBS) $(CRYPTO_LIBS) $(ZLIB_LIBS) $(LZMA_LIBS) $(CURL_LIBS) \
	$(ZSTD_LIBS) $(BZIP2_LIBS) $(LZ4_LIBS) $(LZO_LIBS) $(ISAL_LIBS) $(BLKID_LIBS)
# The soname changes with `current - age`: raise BMAP_ABI in configure.ac by libtool's rules.
lib_libbmap_la_LDFLAGS = -version-info $(BMAP_ABI) -no-undefined \
	-Wl,--version-script=$(top_srcdir)/lib/libbmap.map
EXTRA_lib_libbmap_la_DEPENDENCIES = $(top_srcdir)/lib/libbmap.map

# The same objects without the symbol map, for tests of what is not exported.
check_LTLIBRARIES = lib/libbmap-internal.la
lib_libbmap_internal_la_SOURCES = $(lib_libbmap_la_SOURCES)
lib_libbmap_internal_la_CFLAGS = $(lib_libbmap_la_CFLAGS)
lib_libbmap_internal_la_LIBADD = $(lib_libbmap_la_LIBADD)

include lib/cli/cli.mk
lib_libcli_la_CFLAGS = $(AM_CFLAGS)

pkgconfigdir = $(libdir)/pkgconfig
pkgconfig_DATA = lib/libbmap.pc
EXTRA_DIST += lib/LAYERS lib/libbmap.map
