lib_libbmap_la_SOURCES += \
	lib/base/buffer_pool.c \
	lib/base/buffer_pool.h \
	lib/base/checked.h \
	lib/base/child.c \
	lib/base/child.h \
	lib/base/cleanup.h \
	lib/base/clock.h \
	lib/base/error.c \
	lib/base/fd_io.c \
	lib/base/fd_io.h \
	lib/base/log.c \
	lib/base/processors.c \
	lib/base/processors.h \
	lib/base/queue.c \
	lib/base/queue.h \
	lib/base/sparse_store.c \
	lib/base/sparse_store.h \
	lib/base/thread.c \
	lib/base/thread.h \
	lib/base/units.c \
	lib/base/units.h
