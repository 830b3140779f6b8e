<?php

declare(strict_types=1);

const TOLERANCE_SECONDS = 300;

/**
 * Whether one of these secrets signed these bytes, lately (Standard Webhooks 1.0, v1).
 *
 * @param string[] $secrets whsec_…; during a rotation the new and the old one
 */
function isGenuine(array $secrets, string $id, string $timestamp, string $signatures, string $body, int $now): bool
{
    if ($id === '' || !preg_match('/^[0-9]{1,12}$/D', $timestamp) || abs($now - (int) $timestamp) > TOLERANCE_SECONDS) {
        return false;
    }
    foreach ($secrets as $secret) {
        $key = base64_decode(preg_replace('/^whsec_/', '', $secret), true);
        if ($key === false || strlen($key) < 24) {
            continue;
        }
        $expected = 'v1,' . base64_encode(hash_hmac('sha256', "$id.$timestamp.$body", $key, true));
        foreach (explode(' ', $signatures) as $signature) {
            if (hash_equals($expected, $signature)) { // in constant time
                return true;
            }
        }
    }
    return false;
}
