lib_libbmap_la_SOURCES += \
	lib/trace/fact_table.c \
	lib/trace/fact_table.h \
	lib/trace/record_map.c \
	lib/trace/record_map.h \
	lib/trace/trace.c \
	lib/trace/trace_file.c \
	lib/trace/trace_file.h \
	lib/trace/trace_find.c \
	lib/trace/trace_note.c \
	lib/trace/trace_private.h
