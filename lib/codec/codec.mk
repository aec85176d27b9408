lib_libbmap_la_SOURCES += \
	lib/codec/archive.c \
	lib/codec/archive.h \
	lib/codec/archive_tar.c \
	lib/codec/archive_tar.h \
	lib/codec/archive_zip.c \
	lib/codec/archive_zip.h \
	lib/codec/decoder.c \
	lib/codec/decoder.h \
	lib/codec/decoder_gzip.c \
	lib/codec/decoder_ops.h \
	lib/codec/decoder_table.c \
	lib/codec/decoder_xz.c \
	lib/codec/decoder_zip.c \
	lib/codec/decoder_zip.h \
	lib/codec/frame_splitter.c \
	lib/codec/frame_splitter.h \
	lib/codec/gzip_index.c \
	lib/codec/gzip_index.h \
	lib/codec/gzip_stream.c \
	lib/codec/gzip_stream.h \
	lib/codec/inflater.h \
	lib/codec/piece.h \
	lib/codec/piece_cache.c \
	lib/codec/piece_cache.h \
	lib/codec/piece_index.c \
	lib/codec/piece_index.h \
	lib/codec/piece_index_file.c \
	lib/codec/piece_index_file.h \
	lib/codec/splitter.c \
	lib/codec/splitter.h \
	lib/codec/zip_format.h

# A codec that is off is a file that is not compiled.
if WITH_ISAL
lib_libbmap_la_SOURCES += lib/codec/inflater_isal.c
else
lib_libbmap_la_SOURCES += lib/codec/inflater_zlib.c
endif
if WITH_ZSTD
lib_libbmap_la_SOURCES += lib/codec/decoder_zstd.c
endif
if WITH_BZIP2
lib_libbmap_la_SOURCES += lib/codec/decoder_bzip2.c lib/codec/bzip2_splitter.c lib/codec/bzip2_splitter.h
endif
if WITH_LZ4
lib_libbmap_la_SOURCES += lib/codec/decoder_lz4.c
endif
if WITH_LZO
lib_libbmap_la_SOURCES += lib/codec/decoder_lzo.c
endif
