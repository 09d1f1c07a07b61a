using System.Text.Json;
using LeadPipeline.Mcp.Crm.HubSpot;

namespace LeadPipeline.Worker.Secrets;

/// <summary>The parts of a CRM's secret, as people name them: <c>SALESFORCE_CLIENT_SECRET</c>, <c>ClientSecret</c> and <c>client_secret</c> are one.</summary>
public static class SecretParts
{
    private static readonly string[] Prefixes = ["salesforce", "hubspot"];

    /// <summary>A part's one name.</summary>
    public static string Name(string written)
    {
        var name = new string([.. written.Where(char.IsAsciiLetterOrDigit).Select(char.ToLowerInvariant)]);
        var prefix = Array.Find(Prefixes, p => name.StartsWith(p, StringComparison.Ordinal) && name.Length > p.Length);
        return prefix is null ? name : name[prefix.Length..];
    }

    /// <summary>Reads a JSON object of texts; anything else is one token.</summary>
    public static IReadOnlyDictionary<string, string> Parse(string text)
    {
        try
        {
            if (text.AsSpan().TrimStart().StartsWith("{"))
            {
                using var document = JsonDocument.Parse(text);
                return document.RootElement.EnumerateObject().Where(m => m.Value.ValueKind == JsonValueKind.String).GroupBy(m => Name(m.Name)).ToDictionary(g => g.Key, g => g.Last().Value.GetString()!);
            }
        }
        catch (JsonException)
        {
            // Then it is no JSON, and taken as it is.
        }
        return new Dictionary<string, string> { [HubSpotCredentials.Token] = text.Trim() };
    }
}
