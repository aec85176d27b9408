# What the programs share: their option tables and log, and the helpers of base that they use.
lib_libcli_la_SOURCES = \
	lib/base/fd_io.c \
	lib/base/fd_io.h \
	lib/base/processors.c \
	lib/base/processors.h \
	lib/base/units.c \
	lib/base/units.h \
	lib/cli/log_terminal.c \
	lib/cli/log_terminal.h \
	lib/cli/map_finder.c \
	lib/cli/map_finder.h \
	lib/cli/option_table.c \
	lib/cli/option_table.h \
	lib/cli/standard_streams.c \
	lib/cli/standard_streams.h
