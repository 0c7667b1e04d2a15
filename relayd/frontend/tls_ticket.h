/* SPDX-License-Identifier: ISC */
/*
 * The keys of session tickets (RFC 5077 section 4): random, of this process
 * alone, made anew each hour.  A ticket opens under the key it was made with
 * and the two that came after; what was taken is gone with them.
 */
#ifndef FRONTEND_TLS_TICKET_H
#define FRONTEND_TLS_TICKET_H

#include <openssl/ssl.h>

#include <stdint.h>

#define TICKET_ROTATE_MS	3600000	/* a key makes tickets this long */
#define TICKET_KEYS		3	/* the present one and two former */
#define TICKET_NAME_LEN		16	/* octets that say which key it was */
#define TICKET_KEY_LEN		32	/* octets: AES-256, and HMAC-SHA256 */
/* A session lives as long as its ticket opens at least, in seconds. */
#define TICKET_LIFE_S		((TICKET_KEYS - 1) * TICKET_ROTATE_MS / 1000)

struct ticket_key {
	uint8_t	name[TICKET_NAME_LEN];
	uint8_t	aes[TICKET_KEY_LEN];
	uint8_t	mac[TICKET_KEY_LEN];
	int64_t	made_ms;
};

struct tickets {
	struct ticket_key	 keys[TICKET_KEYS];	/* newest first */
	size_t			 n;
	EVP_CIPHER		*cipher;
};

/* Make the first key.  False if OpenSSL lacks the cipher. */
bool	tickets_init(struct tickets *, OSSL_LIB_CTX *, int64_t now_ms);
void	tickets_clear(struct tickets *);

/* The key to make a ticket with; rotates them when it is time. */
const struct ticket_key	*tickets_present(struct tickets *, int64_t now_ms);
/* The key of that name if it still opens tickets, or NULL. */
const struct ticket_key	*tickets_find(const struct tickets *,
			    const uint8_t name[TICKET_NAME_LEN],
			    int64_t now_ms);

/*
 * What SSL_CTX_set_tlsext_ticket_key_evp_cb() wants, at that time: -1 for an
 * error, 0 if no such key is there, 1, or 2 for a ticket to be renewed.
 */
int	tickets_use(struct tickets *, int64_t now_ms, uint8_t *name,
	    uint8_t *iv, EVP_CIPHER_CTX *, EVP_MAC_CTX *, int enc);

#endif
