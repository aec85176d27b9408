bin_PROGRAMS += bmaptool/bmaptool
bmaptool_bmaptool_SOURCES = \
	bmaptool/command_copy.c \
	bmaptool/command_create.c \
	bmaptool/command_index.c \
	bmaptool/command_info.c \
	bmaptool/command_trace.c \
	bmaptool/commands.h \
	bmaptool/json.c \
	bmaptool/json.h \
	bmaptool/main.c \
	bmaptool/monitor.c \
	bmaptool/monitor.h \
	bmaptool/picture.c \
	bmaptool/picture.h \
	bmaptool/show_options.c \
	bmaptool/show_options.h
bmaptool_bmaptool_CFLAGS = $(AM_CFLAGS)
bmaptool_bmaptool_LDADD = lib/libcli.la lib/libbmap.la
