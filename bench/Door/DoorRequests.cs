using System.Globalization;
using System.Security.Cryptography;
using System.Text;

namespace LeadPipeline.Bench.Door;

/// <summary>Whole requests, bytes and all, so that none has to be made while it is measured.</summary>
internal static class DoorRequests
{
    /// <summary>The secret of the sender <c>standard</c>.</summary>
    public const string Secret = "whsec_YmVuY2gtYmVuY2gtYmVuY2gtYmVuY2gtYmVuY2g=";

    /// <summary>One lead a post, each another.</summary>
    public static List<byte[]> Leads(Uri address, int seed, int count)
    {
        var generator = new LeadGenerator(seed);
        return [.. Enumerable.Range(0, count).Select(n => Request(address, "/leads", "", generator.Next(n)))];
    }

    /// <summary>The same leads as a Standard Webhooks sender posts them, signed now.</summary>
    public static List<byte[]> Webhooks(Uri address, int seed, int count)
    {
        var generator = new LeadGenerator(seed);
        using var hmac = new HMACSHA256(Convert.FromBase64String(Secret["whsec_".Length..]));
        var time = DateTimeOffset.UtcNow.ToUnixTimeSeconds().ToString(CultureInfo.InvariantCulture);
        var requests = new List<byte[]>(count);
        for (var n = 0; n < count; n++)
        {
            var id = string.Create(CultureInfo.InvariantCulture, $"msg_{seed}_{n}");
            var body = Encoding.UTF8.GetBytes($$"""{"type":"lead.created","timestamp":"{{DateTime.UtcNow:O}}","data":{{Encoding.UTF8.GetString(generator.Next(n))}}}""");
            var signature = Convert.ToBase64String(hmac.ComputeHash([.. Encoding.ASCII.GetBytes($"{id}.{time}."), .. body]));
            requests.Add(Request(address, "/webhooks/standard", $"webhook-id: {id}\r\nwebhook-timestamp: {time}\r\nwebhook-signature: v1,{signature}\r\n", body));
        }
        return requests;
    }

    private static byte[] Request(Uri address, string path, string headers, byte[] body) =>
        [.. Encoding.ASCII.GetBytes($"POST {path} HTTP/1.1\r\nHost: {address.Authority}\r\nContent-Type: application/json\r\n{headers}Content-Length: {body.Length.ToString(CultureInfo.InvariantCulture)}\r\n\r\n"), .. body];
}
