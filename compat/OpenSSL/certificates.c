/*
 * What certificates say: for whom they are, and of whom.
 */
#include "CTLS.h"
#include <openssl/bio.h>
#include <openssl/x509.h>
#include <openssl/x509v3.h>
#include <string.h>

static void tell(
    const ASN1_STRING *string, void (*each)(void *context, const char *name, size_t length), void *context) {
    int length = ASN1_STRING_length(string);
    const char *text = (const char *)ASN1_STRING_get0_data(string);
    /* A NUL would let two readers see two names. */
    if (length > 0 && memchr(text, 0, (size_t)length) == NULL) each(context, text, (size_t)length);
}

void martlet_certificate_names(
    X509 *certificate, void (*each)(void *context, const char *name, size_t length), void *context) {
    GENERAL_NAMES *names = X509_get_ext_d2i(certificate, NID_subject_alt_name, NULL, NULL);
    bool found = false;
    for (int index = 0; index < sk_GENERAL_NAME_num(names); index++) {
        const GENERAL_NAME *name = sk_GENERAL_NAME_value(names, index);
        if (name->type != GEN_DNS) continue;
        found = true;
        tell(name->d.dNSName, each, context);
    }
    GENERAL_NAMES_free(names);
    if (found) return;
    X509_NAME *subject = X509_get_subject_name(certificate);
    int last = -1;
    for (int index = -1; (index = X509_NAME_get_index_by_NID(subject, NID_commonName, index)) >= 0;) last = index;
    if (last < 0) return;
    tell(X509_NAME_ENTRY_get_data(X509_NAME_get_entry(subject, last)), each, context);
}

size_t martlet_certificate_subject(X509 *certificate, char *text, size_t room) {
    BIO *memory = BIO_new(BIO_s_mem());
    if (memory == NULL) return 0;
    X509_NAME_print_ex(
        memory, X509_get_subject_name(certificate), 0, (XN_FLAG_RFC2253 | ASN1_STRFLGS_ESC_CTRL) & ~XN_FLAG_SPC_EQ);
    int length = BIO_read(memory, text, (int)room);
    BIO_free(memory);
    return length > 0 ? (size_t)length : 0;
}
