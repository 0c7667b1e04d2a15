/* SPDX-License-Identifier: ISC */
/* The worked example of relay(7), computed by another program. */
#ifndef TESTS_UNIT_AUTH_EXAMPLE_H
#define TESTS_UNIT_AUTH_EXAMPLE_H

#define EXAMPLE_NONCE \
    "AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8"
#define EXAMPLE_CNONCE \
    "ZGVmZ2hpamtsbW5vcHFycw"
#define EXAMPLE_HOME_KEY \
    "11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo"
#define EXAMPLE_MAIN_KEY \
    "PUAXw-hDiVqStwqnTRt-vJyYLM8uxJaMwM1V8Sr0Zgw"
#define EXAMPLE_HOME_PROOF \
    "sSHKaxUDS2-jzawlI1ISYO24tfLTGKGqZSkNNfqLgtcW2xUGgf8Mo0-yg4rjP2Ah1p_uAmuQ9SVoIQoJcyAbAA"
#define EXAMPLE_MAIN_PROOF \
    "AheB3AxU0-oYe1aZawRoyRYE0GIJEWZepKfNoGHFGF4PgRzPoxy1KVpYcCk9w89_M8x5Dx54vYc65j6p4vAoBg"
#define EXAMPLE_HOME_MAC \
    "mEJtEwvHNX89SyNNtzpnAYxrDPNWCCmJ7fZ_WTofdps"
#define EXAMPLE_MAIN_MAC \
    "b5_39M69jwIQDuZyQvcYbjVIDQHXvP8qrbRxZxpBVfs"
#define EXAMPLE_TEXT \
    "relay/1 client\n" \
    "key\n" \
    "AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8\n" \
    "ZGVmZ2hpamtsbW5vcHFycw\n" \
    "alice.home\n" \
    "home\n" \
    "relay.example.com\n" \
    "/ws/federation\n" \
    "11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo\n"

#endif
