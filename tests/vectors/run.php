<?php

// A line for each case in, of fields with tabs between them; "yes" or "no" for each out.

declare(strict_types=1);

require getenv('WEBHOOKS_EXAMPLES') . '/php/verify.php';

while (($line = fgets(STDIN)) !== false) {
    [$kind, $now, $id, $timestamp, $signatures, $keys, $body] = explode("\t", rtrim($line, "\n"));
    $body = base64_decode($body, true);
    if ($kind === 'v1') {
        $isGenuine = isGenuine(explode(' ', $keys), $id, $timestamp, $signatures, $body, (int) $now);
    } else {
        $signature = base64_decode(substr($signatures, strlen('v1a,')), true);
        $key = base64_decode(substr($keys, strlen('whpk_')), true);
        $isGenuine = sodium_crypto_sign_verify_detached($signature, "$id.$timestamp.$body", $key);
    }
    echo $isGenuine ? "yes\n" : "no\n";
}
