using System;
using System.Collections.Generic;
using System.IO;

/// <summary>Webhooks on disk: a file each, named by its webhook-id.</summary>
public sealed class Inbox
{
    private readonly string waiting;
    private readonly string done;
    private readonly object door = new object();

    public Inbox(string folder)
    {
        waiting = Path.Combine(folder, "inbox");
        done = Path.Combine(folder, "done");
        Directory.CreateDirectory(waiting);
        Directory.CreateDirectory(done);
    }

    /// <summary>When this returns, it is on the disk, whole; a duplicate changes nothing.</summary>
    public void Keep(string id, byte[] body)
    {
        var draft = Path.Combine(waiting, "." + Guid.NewGuid().ToString("N"));
        using (var file = new FileStream(draft, FileMode.CreateNew))
        {
            file.Write(body, 0, body.Length);
            file.Flush(true);
        }
        var place = Path.Combine(waiting, id);
        lock (door) // one process has the folder for itself
        {
            if (File.Exists(place)) File.Delete(draft);
            else File.Move(draft, place);
        }
    }

    /// <summary>What is still to be worked on. The files stay: duplicates are known by them.</summary>
    public IEnumerable<string> Pending()
    {
        foreach (var path in Directory.GetFiles(waiting))
        {
            var id = Path.GetFileName(path);
            if (!id.StartsWith(".") && !File.Exists(Path.Combine(done, id))) yield return id;
        }
    }

    public string Read(string id)
    {
        return File.ReadAllText(Path.Combine(waiting, id));
    }

    public void Finish(string id)
    {
        File.WriteAllBytes(Path.Combine(done, id), new byte[0]);
    }
}
