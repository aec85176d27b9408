lib_libbmap_la_SOURCES += \
	lib/source/http_answer.c \
	lib/source/http_answer.h \
	lib/source/source.c \
	lib/source/source.h \
	lib/source/source_cache.c \
	lib/source/source_file.c \
	lib/source/source_http.c \
	lib/source/source_ops.h \
	lib/source/source_pool.c \
	lib/source/source_pool.h \
	lib/source/source_slice.c \
	lib/source/source_ssh.c \
	lib/source/source_stream.c \
	lib/source/source_url.c \
	lib/source/source_url.h
