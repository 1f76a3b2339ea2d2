# Martlet: build, try, test, install. `make help` lists the targets.

PREFIX ?= /usr/local
DESTDIR ?=
CONFIGURATION ?= release
SWIFT ?= swift

SBINDIR = $(PREFIX)/sbin
BINDIR = $(PREFIX)/bin
LIBDIR = $(PREFIX)/lib
LIBEXECDIR = $(PREFIX)/libexec/martlet
MANDIR = $(PREFIX)/share/man

# A static standard library: what is installed needs no Swift runtime on the machine. No run path, no
# lazy binding: what is linked at start is all that ever is.
RELEASE_FLAGS = --static-swift-stdlib --disable-local-rpath -Xlinker -z -Xlinker now
BUILD_FLAGS = -c $(CONFIGURATION) $(if $(filter release,$(CONFIGURATION)),$(RELEASE_FLAGS))
BIN = .build/$(CONFIGURATION)

PAGES = $(wildcard man/*.[1-8])

.PHONY: all help demo check bench install uninstall clean dependencies test-dependencies

all:
	$(SWIFT) build $(BUILD_FLAGS)

help:
	@echo 'make            build everything (release)'
	@echo 'make demo       install what the build needs, build, and watch mail being delivered'
	@echo 'make check      install what the tests need and run all of them'
	@echo 'make bench      measure this machine and the server, beside installed peers'
	@echo 'make install    install below DESTDIR and PREFIX (now $(PREFIX))'
	@echo 'make uninstall  remove what install put there'
	@echo 'make clean      remove what was built'

dependencies:
	@packaging/dependencies build

test-dependencies:
	@packaging/dependencies build test

demo: dependencies
	$(SWIFT) build $(BUILD_FLAGS)
	@packaging/demo $(BIN)

check: test-dependencies
	Tests/run

bench: dependencies
	$(SWIFT) build $(BUILD_FLAGS)
	Benchmarks/run $(BIN)

install:
	$(SWIFT) build $(BUILD_FLAGS)
	install -d '$(DESTDIR)$(SBINDIR)' '$(DESTDIR)$(BINDIR)' '$(DESTDIR)$(LIBDIR)' '$(DESTDIR)$(LIBEXECDIR)'
	install -m 755 $(BIN)/smtpd $(BIN)/smtpctl $(BIN)/sendmail '$(DESTDIR)$(SBINDIR)/'
	ln -sf ../sbin/sendmail '$(DESTDIR)$(LIBDIR)/sendmail'
	ln -sf ../sbin/sendmail '$(DESTDIR)$(BINDIR)/mailq'
	ln -sf ../sbin/sendmail '$(DESTDIR)$(BINDIR)/newaliases'
	install -m 755 $(BIN)/mail.agent '$(DESTDIR)$(LIBEXECDIR)/'
	for name in mail.maildir mail.mboxfile mail.lmtp mail.mda; do \
		ln -sf mail.agent '$(DESTDIR)$(LIBEXECDIR)/'$$name; done
	# Set-group-id belongs to the package or the administrator: the group may not exist here.
	install -m 755 $(BIN)/sendmail-offline '$(DESTDIR)$(LIBEXECDIR)/'
	for page in $(PAGES); do \
		install -d '$(DESTDIR)$(MANDIR)/man'$${page##*.} && \
		install -m 644 $$page '$(DESTDIR)$(MANDIR)/man'$${page##*.}/; done

uninstall:
	rm -f '$(DESTDIR)$(SBINDIR)/smtpd' '$(DESTDIR)$(SBINDIR)/smtpctl' '$(DESTDIR)$(SBINDIR)/sendmail'
	rm -f '$(DESTDIR)$(LIBDIR)/sendmail' '$(DESTDIR)$(BINDIR)/mailq' '$(DESTDIR)$(BINDIR)/newaliases'
	for name in mail.agent mail.maildir mail.mboxfile mail.lmtp mail.mda sendmail-offline; do \
		rm -f '$(DESTDIR)$(LIBEXECDIR)/'$$name; done
	-rmdir '$(DESTDIR)$(LIBEXECDIR)'
	for page in $(PAGES); do \
		rm -f '$(DESTDIR)$(MANDIR)/man'$${page##*.}/$${page##*/}; done

clean:
	$(SWIFT) package clean
