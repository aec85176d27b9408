lib_libbmap_la_SOURCES += \
	lib/copy/copy.c \
	lib/copy/create.c \
	lib/copy/job.c \
	lib/copy/job_state.h \
	lib/copy/map_builder.c \
	lib/copy/map_builder.h \
	lib/copy/range_hasher.c \
	lib/copy/range_hasher.h \
	lib/copy/range_verifier.c \
	lib/copy/range_verifier.h
