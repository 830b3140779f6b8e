<?php

/**
 * Receives webhooks and keeps them on disk; worker.php works on them.
 *
 *   WEBHOOK_SECRETS="whsec_…" php -S 127.0.0.1:8904 receiver.php
 *   WEBHOOK_SECRETS="whsec_…" php worker.php
 */

declare(strict_types=1);

require __DIR__ . '/verify.php';
require __DIR__ . '/inbox.php';

const MAX_BYTES = 1024 * 1024;

/** Check, store, answer. Nothing that takes time, and nothing that can fail later. */
function receive(): int
{
    if ($_SERVER['REQUEST_METHOD'] !== 'POST') {
        return 405;
    }
    $body = file_get_contents('php://input', false, null, 0, MAX_BYTES + 1);
    if (strlen($body) > MAX_BYTES) {
        return 413;
    }
    $id = $_SERVER['HTTP_WEBHOOK_ID'] ?? '';
    $secrets = explode(' ', getenv('WEBHOOK_SECRETS'));
    $timestamp = $_SERVER['HTTP_WEBHOOK_TIMESTAMP'] ?? '';
    $signatures = $_SERVER['HTTP_WEBHOOK_SIGNATURE'] ?? '';
    if (!isGenuine($secrets, $id, $timestamp, $signatures, $body, time())) {
        return 401;
    }
    if (!preg_match('/^[\w-]{1,64}$/D', $id)) { // it names a file
        return 400;
    }
    (new Inbox(getenv('DATA_DIR') ?: __DIR__))->keep($id, $body);
    return 204;
}

try {
    http_response_code(receive());
} catch (Throwable $error) {
    error_log($error->getMessage()); // not the request: it holds personal data
    http_response_code(500); // it is sent again
}
