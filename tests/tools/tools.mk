# Programs that tests run.
check_PROGRAMS += tests/tools/exercise_folder
tests_tools_exercise_folder_SOURCES = \
	tests/tools/exercise.h \
	tests/tools/exercise_bytes.c \
	tests/tools/exercise_check.c \
	tests/tools/exercise_crash.c \
	tests/tools/exercise_folder.c \
	tests/tools/exercise_names.c \
	tests/tools/trace_model.c \
	tests/tools/trace_model.h
EXTRA_DIST += tests/tools/traced.sh tests/tools/trace_record.py
