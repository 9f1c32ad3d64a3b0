# One front door. `make run` on a bare machine gives a working station.
.PHONY: lock
lock:  ## recompile the hash-locked requirements from requirements/*.in
	@for name in base embedded dev; do \
	  .venv/bin/uv pip compile --quiet --universal --python-version 3.11 --generate-hashes \
	    --no-emit-index-url --no-emit-find-links --custom-compile-command "make lock" \
	    requirements/$$name.in -o requirements/$$name.txt || exit 1; done
	npm install --package-lock-only --ignore-scripts
