using System.Globalization;
using System.Security.Cryptography;
using System.Text;

namespace LeadPipeline.Worker.Tests.Doors;

/// <summary>Signs as the senders do.</summary>
internal static class Signing
{
    public static string Seconds => DateTimeOffset.UtcNow.ToUnixTimeSeconds().ToString(CultureInfo.InvariantCulture);

    public static string Milliseconds => DateTimeOffset.UtcNow.ToUnixTimeMilliseconds().ToString(CultureInfo.InvariantCulture);

    public static (string, string)[] Standard(string id, string body, string secret = DoorService.Whsec, string? at = null)
    {
        var time = at ?? Seconds;
        return [("webhook-id", id), ("webhook-timestamp", time), ("webhook-signature", "v1," + Convert.ToBase64String(Hmac(Convert.FromBase64String(secret["whsec_".Length..]), $"{id}.{time}.{body}")))];
    }

    public static (string, string)[] HubSpot(string body, string url = "https://leads.example.com/webhooks/hubspot")
    {
        var time = Milliseconds;
        return [("X-HubSpot-Request-Timestamp", time), ("X-HubSpot-Signature-v3", Convert.ToBase64String(Hmac($"POST{url}{body}{time}")))];
    }

    public static (string, string)[] Typeform(string body) => [("Typeform-Signature", "sha256=" + Convert.ToBase64String(Hmac(body)))];

    public static (string, string)[] Meta(string body) => [("X-Hub-Signature-256", "sha256=" + Convert.ToHexStringLower(Hmac(body)))];

    public static (string, string)[] Calendly(string body)
    {
        var time = Seconds;
        return [("Calendly-Webhook-Signature", $"t={time},v1={Convert.ToHexStringLower(Hmac($"{time}.{body}"))}")];
    }

    public static (string, string)[] Partner(string body)
    {
        var time = Seconds;
        return [("X-Partner-Time", time), ("X-Partner-Signature", "sha256=" + Convert.ToHexStringLower(Hmac($"{time}.{body}")))];
    }

    private static byte[] Hmac(string text) => Hmac(Encoding.UTF8.GetBytes(DoorService.Secret), text);

    private static byte[] Hmac(byte[] key, string text) => HMACSHA256.HashData(key, Encoding.UTF8.GetBytes(text));
}
