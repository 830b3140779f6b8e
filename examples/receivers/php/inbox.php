<?php

declare(strict_types=1);

/** Webhooks on disk: a file each, named by its webhook-id. */
final class Inbox
{
    private string $waiting;
    private string $done;

    public function __construct(string $folder)
    {
        $this->waiting = "$folder/inbox";
        $this->done = "$folder/done";
        foreach ([$this->waiting, $this->done] as $each) {
            if (!is_dir($each)) {
                @mkdir($each, 0700, true);
            }
        }
    }

    /** When this returns, it is on the disk, whole; a duplicate changes nothing. */
    public function keep(string $id, string $body): void
    {
        $draft = tempnam($this->waiting, '.draft');
        $file = fopen($draft, 'w');
        if ($file === false || fwrite($file, $body) !== strlen($body) || !fsync($file)) {
            throw new RuntimeException('it cannot be stored');
        }
        fclose($file);
        // Fails if there is one, and is never half done.
        $isNew = @link($draft, "$this->waiting/$id");
        unlink($draft);
        if (!$isNew && !is_file("$this->waiting/$id")) {
            throw new RuntimeException('it cannot be stored');
        }
    }

    /** What is still to be worked on. The files stay: they are what duplicates are known by. */
    public function pending(): array
    {
        return array_values(array_filter(
            scandir($this->waiting),
            fn (string $id): bool => $id[0] !== '.' && !is_file("$this->done/$id"),
        ));
    }

    public function read(string $id): array
    {
        return json_decode(file_get_contents("$this->waiting/$id"), true, 512, JSON_THROW_ON_ERROR | JSON_INVALID_UTF8_SUBSTITUTE);
    }

    public function finish(string $id): void
    {
        touch("$this->done/$id");
    }
}
