# What people do with the tree; the build itself is CMake's (CMakePresets.json).
# Unity builds halve the time from a clean clone; `make dev` builds file by file, so that a missing include shows.
PREFIX ?= /usr/local
JOBS ?= $(shell nproc)
CONFIGURE = cmake -G Ninja -DCMAKE_BUILD_TYPE=Release -DCMAKE_UNITY_BUILD=ON -S .
DEMO_PAGE = fivefold-demo.html

.PHONY: demo test bench install dev format tidy fuzz transcripts clean

demo:
	@scripts/install-deps build
	@$(CONFIGURE) -B build/demo -DFIVEFOLD_TESTS=OFF >build-demo.log 2>&1 || { cat build-demo.log; exit 1; }
	@rm -f build-demo.log
	@cmake --build build/demo -j $(JOBS) --target fivefold
	@build/demo/app/fivefold compare cloudmatrix384 gb200-nvl72 --model deepseek-ai/DeepSeek-R1 --html $(DEMO_PAGE)

test:
	@scripts/install-deps test
	@$(CONFIGURE) -B build/test -DFIVEFOLD_TESTS=ON
	@cmake --build build/test -j $(JOBS)
	@ctest --test-dir build/test --output-on-failure -j $(JOBS)

bench:
	@scripts/install-deps bench
	@$(CONFIGURE) -B build/bench -DFIVEFOLD_TESTS=OFF -DFIVEFOLD_BENCH=ON
	@cmake --build build/bench -j $(JOBS) --target fivefold_bench
	@build/bench/bench/fivefold_bench

install:
	@scripts/install-deps build
	@$(CONFIGURE) -B build/install -DFIVEFOLD_TESTS=OFF -DCMAKE_INSTALL_PREFIX=$(PREFIX)
	@cmake --build build/install -j $(JOBS)
	@cmake --install build/install

dev:
	@scripts/install-deps test bench
	@cmake --preset debug
	@cmake --build --preset debug

format:
	@git ls-files '*.cpp' '*.h' | xargs clang-format -i

tidy:
	@scripts/install-deps test fuzz
	@cmake --preset debug
	@git ls-files 'fivefold/*.cpp' 'app/*.cpp' | grep -v _test.cpp | xargs -P $(JOBS) -n 4 clang-tidy-19 -p build/debug --quiet

fuzz:
	@scripts/install-deps fuzz
	@cmake --preset fuzz
	@cmake --build --preset fuzz
	@for target in build/fuzz/fuzz/*_fuzz; do echo "$$target"; $$target -max_total_time=60 -max_len=65536 || exit 1; done

clean:
	rm -rf build
