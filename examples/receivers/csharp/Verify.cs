using System;
using System.Collections.Generic;
using System.Security.Cryptography;
using System.Text;
using System.Text.RegularExpressions;

/// <summary>Standard Webhooks 1.0, v1: HMAC-SHA256 over id.timestamp.body.</summary>
public static class Verify
{
    public const long ToleranceSeconds = 300;

    /// <summary>Whether one of these secrets (whsec_…) signed these bytes, lately.</summary>
    public static bool IsGenuine(
        IEnumerable<string> secrets, string id, string timestamp, string signatures, byte[] body, long now)
    {
        if (string.IsNullOrEmpty(id) || string.IsNullOrEmpty(signatures)) return false;
        if (!Regex.IsMatch(timestamp ?? "", @"^[0-9]{1,12}\z")) return false;
        if (Math.Abs(now - long.Parse(timestamp)) > ToleranceSeconds) return false;
        foreach (var secret in secrets)
        {
            var expected = Sign(secret, id, timestamp, body);
            if (expected == null) continue;
            foreach (var signature in signatures.Split(' '))
                if (AreEqual(expected, signature)) return true;
        }
        return false;
    }

    /// <summary>The signature, or null for what is no secret.</summary>
    public static string Sign(string secret, string id, string timestamp, byte[] body)
    {
        byte[] key;
        try
        {
            key = Convert.FromBase64String(secret.StartsWith("whsec_") ? secret.Substring(6) : secret);
        }
        catch (FormatException)
        {
            return null;
        }
        if (key.Length < 24) return null;
        var head = Encoding.UTF8.GetBytes(id + "." + timestamp + ".");
        var signed = new byte[head.Length + body.Length];
        Buffer.BlockCopy(head, 0, signed, 0, head.Length);
        Buffer.BlockCopy(body, 0, signed, head.Length, body.Length);
        using (var hmac = new HMACSHA256(key))
            return "v1," + Convert.ToBase64String(hmac.ComputeHash(signed));
    }

    // In constant time. On .NET Core 2.1 and later, CryptographicOperations.FixedTimeEquals does it.
    private static bool AreEqual(string expected, string given)
    {
        var difference = expected.Length ^ given.Length;
        for (var i = 0; i < expected.Length; i++)
            difference |= expected[i] ^ (i < given.Length ? given[i] : 0);
        return difference == 0;
    }
}
