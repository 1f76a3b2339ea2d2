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
BASHCOMPDIR ?= $(PREFIX)/share/bash-completion/completions
ZSHCOMPDIR ?= $(PREFIX)/share/zsh/site-functions
FISHCOMPDIR ?= $(PREFIX)/share/fish/vendor_completions.d

# A static standard library: what is installed needs no Swift runtime on the machine. No run path, no
# lazy binding: what is linked at start is all that ever is.
RELEASE_FLAGS = --static-swift-stdlib --disable-local-rpath -Xlinker -z -Xlinker now \
	-Xlinker --version-script=compat/exports.map $(STATIC_RUNTIME)
# The C++ runtime that Swift's own needs comes along too where the compiler has it as an archive: loading the
# library would take a millisecond of each start of sendmail. Only this one is named, so that nothing else is linked
# from where it lies.
CXX_ARCHIVE := $(shell $(CC) -print-file-name=libstdc++.a 2>/dev/null)
ifneq ($(filter /%,$(CXX_ARCHIVE)),)
STATIC_RUNTIME = -Xswiftc -L.build/static -Xswiftc -Xclang-linker -Xswiftc -static-libgcc
endif
# More for `swift build`, such as a packager's.
SWIFT_FLAGS ?=
# Components that are built, by their traits: `make TRAITS=default,PostgreSQL`. `swift package show-traits` lists them.
TRAITS ?= default
comma := ,
TRAIT_FLAGS = $(if $(filter-out default,$(TRAITS)),--traits $(TRAITS))
BUILD_FLAGS = -c $(CONFIGURATION) $(TRAIT_FLAGS) $(if $(filter release,$(CONFIGURATION)),$(RELEASE_FLAGS)) $(SWIFT_FLAGS)
BIN = .build/$(CONFIGURATION)

# What goes where.
COMMANDS = smtpd smtpctl sendmail makemap
HELPERS = mail.agent sendmail-offline table-socketmap $(ENGINES)
# Programs of tables, each where its trait is on.
ALL_ENGINES = table-sqlite table-mysql table-postgres table-ldap table-redis
engine = $(if $(filter $1,$(subst $(comma), ,$(TRAITS))),$2)
ENGINES = $(strip $(call engine,SQLite,table-sqlite) $(call engine,MySQL,table-mysql) \
	$(call engine,PostgreSQL,table-postgres) $(call engine,LDAP,table-ldap) $(call engine,Redis,table-redis))
SENDMAIL_NAMES = mailq newaliases
AGENT_NAMES = mail.maildir mail.mboxfile mail.lmtp mail.mda
PAGES = $(wildcard man/*.[1-8])

# Empty to keep the symbols.
STRIP ?= $(shell command -v strip 2>/dev/null)

.PHONY: all static-runtime help demo check deb check-deb tarball html bench install install-files uninstall clean dependencies test-dependencies

all: static-runtime
	$(SWIFT) build $(BUILD_FLAGS)

static-runtime:
	$(if $(STATIC_RUNTIME),@mkdir -p .build/static && ln -sf '$(CXX_ARCHIVE)' .build/static/libstdc++.a)

help:
	@echo 'make            build everything (release)'
	@echo 'make demo       install what the build needs, build, and watch mail being delivered'
	@echo 'make check      install what the tests need and run all of them'
	@echo 'make deb        build the Debian packages, source and binary, into .build/deb'
	@echo 'make check-deb  try these packages in a Debian of their own; needs root and debootstrap'
	@echo 'make tarball    build a server that needs neither root nor libraries into .build/tarball-out'
	@echo 'make html       the manual as pages of HTML in .build/html'
	@echo 'make bench      measure this machine and the server, beside installed peers'
	@echo 'make install    install below DESTDIR and PREFIX (now $(PREFIX))'
	@echo 'make uninstall  remove what install put there'
	@echo 'make clean      remove what was built'

dependencies:
	@packaging/dependencies build

test-dependencies:
	@packaging/dependencies build traits test tables

demo: dependencies static-runtime
	$(SWIFT) build $(BUILD_FLAGS)
	@packaging/demo $(BIN)

check: test-dependencies
	Tests/run

deb: dependencies
	@packaging/dependencies deb engines
	packaging/make-deb .build/deb

check-deb: .build/deb
	@packaging/dependencies deb-test
	packaging/check-deb .build/deb
	BOOT=yes packaging/check-deb .build/deb daemon clients settings lifecycle replace

.build/deb:
	$(MAKE) deb

tarball: dependencies
	packaging/make-tarball .build/tarball-out

html:
	@packaging/html .build/html

bench: dependencies static-runtime
	$(SWIFT) build $(BUILD_FLAGS)
	Benchmarks/run $(BIN)

install: all install-files

# Without building: what is in BIN already.
install-files:
	install -d '$(DESTDIR)$(SBINDIR)' '$(DESTDIR)$(BINDIR)' '$(DESTDIR)$(LIBDIR)' '$(DESTDIR)$(LIBEXECDIR)'
	install -m 755 $(addprefix $(BIN)/,$(COMMANDS)) '$(DESTDIR)$(SBINDIR)/'
	# Set-group-id belongs to the package or the administrator: the group may not exist here.
	install -m 755 $(addprefix $(BIN)/,$(HELPERS)) '$(DESTDIR)$(LIBEXECDIR)/'
	$(if $(STRIP),cd '$(DESTDIR)$(SBINDIR)' && $(STRIP) $(COMMANDS))
	$(if $(STRIP),cd '$(DESTDIR)$(LIBEXECDIR)' && $(STRIP) $(HELPERS))
	ln -sf ../sbin/sendmail '$(DESTDIR)$(LIBDIR)/sendmail'
	for name in $(SENDMAIL_NAMES); do ln -sf ../sbin/sendmail '$(DESTDIR)$(BINDIR)/'$$name; done
	for name in $(AGENT_NAMES); do ln -sf mail.agent '$(DESTDIR)$(LIBEXECDIR)/'$$name; done
	# The program knows its own words.
	install -d '$(DESTDIR)$(BASHCOMPDIR)' '$(DESTDIR)$(ZSHCOMPDIR)' '$(DESTDIR)$(FISHCOMPDIR)'
	$(BIN)/smtpctl completion bash >'$(DESTDIR)$(BASHCOMPDIR)/smtpctl'
	$(BIN)/smtpctl completion zsh >'$(DESTDIR)$(ZSHCOMPDIR)/_smtpctl'
	$(BIN)/smtpctl completion fish >'$(DESTDIR)$(FISHCOMPDIR)/smtpctl.fish'
	chmod 644 '$(DESTDIR)$(BASHCOMPDIR)/smtpctl' '$(DESTDIR)$(ZSHCOMPDIR)/_smtpctl' '$(DESTDIR)$(FISHCOMPDIR)/smtpctl.fish'
	for page in $(PAGES); do \
		install -d '$(DESTDIR)$(MANDIR)/man'$${page##*.} && \
		install -m 644 $$page '$(DESTDIR)$(MANDIR)/man'$${page##*.}/ || exit 1; done

# Files only: directories that others use too stay, and so do the configuration and the spool.
uninstall:
	for name in $(COMMANDS); do rm -f '$(DESTDIR)$(SBINDIR)/'$$name; done
	for name in $(SENDMAIL_NAMES); do rm -f '$(DESTDIR)$(BINDIR)/'$$name; done
	rm -f '$(DESTDIR)$(LIBDIR)/sendmail'
	for name in $(sort $(HELPERS) $(ALL_ENGINES)) $(AGENT_NAMES); do rm -f '$(DESTDIR)$(LIBEXECDIR)/'$$name; done
	rm -f '$(DESTDIR)$(BASHCOMPDIR)/smtpctl' '$(DESTDIR)$(ZSHCOMPDIR)/_smtpctl' '$(DESTDIR)$(FISHCOMPDIR)/smtpctl.fish'
	# Table programs of others may be in it.
	rmdir '$(DESTDIR)$(LIBEXECDIR)' 2>/dev/null || :
	for page in $(PAGES); do \
		rm -f '$(DESTDIR)$(MANDIR)/man'$${page##*.}/$${page##*/}; done

clean:
	$(SWIFT) package clean
