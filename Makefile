# What a person does with this tree, each as one command. Build folders lie under build/.
PREFIX ?= /usr/local
JOBS ?= $(shell nproc)
BUILD = cmake --build $(1) --parallel $(JOBS)
CONFIGURE = cmake -S . -G Ninja -DCMAKE_BUILD_TYPE=Release -DCMAKE_UNITY_BUILD=ON -DCMAKE_UNITY_BUILD_BATCH_SIZE=8
SOURCES = $(shell git ls-files '*.cpp' '*.h')
FUZZ_SECONDS ?= 60

.PHONY: demo program test bench install format tidy fuzz transcripts baseline clean

# The first answer: prints the comparison and writes the page beside this file.
demo: program
	@build/demo/app/fivefold compare cloudmatrix384 gb200-nvl72 --model deepseek-ai/DeepSeek-R1 --html fivefold-demo.html
	@echo
	@echo "The page with pictures: $(CURDIR)/fivefold-demo.html   Next, try: build/demo/app/fivefold compare cloudmatrix384 gb200-nvl72 --model deepseek-ai/DeepSeek-R1 --explain parity.decode"

program:
	@scripts/install-deps build
	@$(CONFIGURE) -B build/demo -DFIVEFOLD_TESTS=OFF >build-configure.log 2>&1 || { cat build-configure.log; exit 1; }
	@rm -f build-configure.log
	@$(call BUILD,build/demo)

test:
	@scripts/install-deps test
	$(CONFIGURE) -B build/test -DFIVEFOLD_TESTS=ON
	$(call BUILD,build/test)
	ctest --test-dir build/test --output-on-failure --parallel $(JOBS)

bench:
	@scripts/install-deps bench
	$(CONFIGURE) -B build/bench -DFIVEFOLD_TESTS=OFF -DFIVEFOLD_BENCH=ON
	$(call BUILD,build/bench)
	@for b in $$(find build/bench/bench -maxdepth 1 -name '*_bench' -type f | sort); do $$b --benchmark_min_time=0.3 || exit 1; done

install: program
	cmake --install build/demo --prefix $(PREFIX)

format:
	clang-format-14 -i $(SOURCES)

# Findings are errors (.clang-tidy).
tidy:
	@scripts/install-deps tidy
	cmake -S . -B build/tidy -G Ninja -DCMAKE_BUILD_TYPE=Debug
	cmake --build build/tidy --target fivefold_embedded
	git ls-files 'fivefold/*.cpp' 'app/*.cpp' | xargs -P $(JOBS) -n 4 clang-tidy-19 -p build/tidy --quiet

fuzz:
	@scripts/install-deps fuzz
	cmake --preset fuzz
	cmake --build --preset fuzz --target fuzzers
	@for f in $$(find build/fuzz/fuzz -maxdepth 1 -name '*_fuzz' -type f | sort); do $$f -max_total_time=$(FUZZ_SECONDS) || exit 1; done

# Writes what the program prints now into tests/transcripts: read the difference before committing it.
transcripts:
	@scripts/install-deps test
	$(CONFIGURE) -B build/test -DFIVEFOLD_TESTS=ON
	$(call BUILD,build/test) --target fivefold transcript_test
	build/test/tests/transcript_test --rewrite build/test/app/fivefold tests/transcripts/*.txt

# Writes the errors over ../shared/measured as the ones that may not grow (docs/accuracy.md).
baseline:
	@scripts/install-deps test
	$(CONFIGURE) -B build/test -DFIVEFOLD_TESTS=ON
	$(call BUILD,build/test) --target accuracy_test
	FIVEFOLD_UPDATE_BASELINE=1 build/test/tests/accuracy/accuracy_test --gtest_filter='Measured.*'

clean:
	rm -rf build
