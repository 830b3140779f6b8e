// Receives webhooks with HttpListener, keeps them on disk, and works on them in a thread of its own.
//
//   mcs -out:Receiver.exe Receiver.cs Inbox.cs Verify.cs       (or csc, or a project of .NET)
//   WEBHOOK_SECRETS="whsec_…" PORT=8905 mono Receiver.exe

using System;
using System.IO;
using System.Net;
using System.Text.RegularExpressions;
using System.Threading;

public static class Receiver
{
    private const int MaxBytes = 1024 * 1024;
    private static readonly string Folder = Setting("DATA_DIR", ".");
    // All that are valid, separated by spaces: during a rotation the new and the old one.
    private static readonly string[] Secrets = Setting("WEBHOOK_SECRETS", "").Split(' ');
    private static readonly Inbox Inbox = new Inbox(Folder);

    public static void Main()
    {
        var listener = new HttpListener();
        listener.Prefixes.Add("http://127.0.0.1:" + Setting("PORT", "8905") + "/");
        listener.Start();
        new Thread(WorkForEver) { IsBackground = true }.Start();
        while (true)
        {
            var context = listener.GetContext();
            ThreadPool.QueueUserWorkItem(_ => Answer(context));
        }
    }

    private static void Answer(HttpListenerContext context)
    {
        int status;
        try
        {
            status = Receive(context.Request);
        }
        catch (Exception error)
        {
            Console.Error.WriteLine(error.Message); // not the request: it holds personal data
            status = 500; // it is sent again
        }
        try
        {
            context.Response.StatusCode = status;
            context.Response.ContentLength64 = 0;
            context.Response.Close();
        }
        catch (Exception)
        {
            // The sender has hung up; it sends again.
        }
    }

    // Check, store, answer. Nothing that takes time, and nothing that can fail later.
    private static int Receive(HttpListenerRequest request)
    {
        if (request.HttpMethod != "POST") return 405;
        var body = Read(request.InputStream);
        if (body == null) return 413;
        var id = request.Headers["webhook-id"] ?? "";
        var now = (long)(DateTime.UtcNow - new DateTime(1970, 1, 1)).TotalSeconds;
        if (!Verify.IsGenuine(Secrets, id, request.Headers["webhook-timestamp"],
                              request.Headers["webhook-signature"], body, now)) return 401;
        if (!Regex.IsMatch(id, @"^[A-Za-z0-9_-]{1,64}\z")) return 400; // it names a file
        Inbox.Keep(id, body);
        return 204;
    }

    private static byte[] Read(Stream stream)
    {
        using (var whole = new MemoryStream())
        {
            var piece = new byte[8192];
            int count;
            while ((count = stream.Read(piece, 0, piece.Length)) > 0)
            {
                whole.Write(piece, 0, count);
                if (whole.Length > MaxBytes) return null;
            }
            return whole.ToArray();
        }
    }

    private static void WorkForEver()
    {
        while (true)
        {
            foreach (var id in Inbox.Pending())
            {
                Work(id, Inbox.Read(id));
                Inbox.Finish(id);
            }
            Thread.Sleep(200);
        }
    }

    // Yours. If the process dies in it, it is called again: make it safe to repeat. Here the type is
    // found by its place in the text; a program that reads more of it takes a JSON library.
    private static void Work(string id, string body)
    {
        Thread.Sleep((int)(1000 * double.Parse(Setting("WORK_SECONDS", "0"),
                                               System.Globalization.CultureInfo.InvariantCulture)));
        var type = Regex.Match(body, "\"type\":\"([a-z0-9_.]+)\"").Groups[1].Value;
        File.AppendAllText(Path.Combine(Folder, "worked.log"), id + " " + type + "\n");
    }

    private static string Setting(string name, string otherwise)
    {
        return Environment.GetEnvironmentVariable(name) ?? otherwise;
    }
}
