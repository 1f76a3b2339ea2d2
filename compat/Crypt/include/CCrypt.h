/*
 * crypt(3) and shadow(5) for Swift: what needs a structure of kilobytes or is not in the compiler's module of the
 * C library.
 */
#ifndef MARTLET_CCRYPT_H
#define MARTLET_CCRYPT_H
#include <stddef.h>

/*
 * The hash of a password with the method and salt of `setting`, with its final NUL in `result`. 0, or -1 with
 * errno: EINVAL for a setting that the library does not know, ERANGE for a result or a password that is too long.
 */
int martlet_crypt(const char *password, const char *setting, char *result, size_t room);

/* A setting for a new password: method, costs and a random salt, with its final NUL in `result`. 0, or -1 with errno. */
int martlet_new_setting(const char *prefix, char *result, int room);

/* What the shadow database says of a password. Days since 1970, -1 for "not set". */
struct martlet_shadow {
    long last_change;
    long maximum_age;
    long inactive;
    long expires;
};

/* 1 when the user has an entry, with its hash in `hash`; 0 when not; -1 with errno when nobody can say. */
int martlet_shadow_entry(const char *name, struct martlet_shadow *entry, char *hash, size_t room);
#endif
