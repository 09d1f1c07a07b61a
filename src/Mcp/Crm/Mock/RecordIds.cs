using System.Security.Cryptography;
using System.Text;

namespace LeadPipeline.Mcp.Crm.Mock;

/// <summary>18-character ids in Salesforce's shape: three of prefix, twelve of body, three that guard against case folding.</summary>
public static class RecordIds
{
    private const string Alphabet = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789";
    private const string Suffixes = "ABCDEFGHIJKLMNOPQRSTUVWXYZ012345";

    /// <summary>The id that follows from a key: the same key always gets the same id.</summary>
    public static string For(CrmObject kind, string key)
    {
        var hash = SHA256.HashData(Encoding.UTF8.GetBytes($"{kind}/{key}"));
        Span<char> id = stackalloc char[18];
        Prefix(kind).AsSpan().CopyTo(id);
        for (var i = 0; i < 12; i++)
            id[3 + i] = Alphabet[hash[i] % Alphabet.Length];
        Suffix(id[..15]).CopyTo(id[15..]);
        return new string(id);
    }

    /// <summary>Whether a text has the shape of an id of this kind, its suffix included.</summary>
    public static bool IsValid(string id, CrmObject kind) =>
        id.Length == 18 && id.StartsWith(Prefix(kind), StringComparison.Ordinal) && id.AsSpan(15).SequenceEqual(Suffix(id.AsSpan(0, 15)));

    private static string Prefix(CrmObject kind) => kind switch
    {
        CrmObject.Account => "001",
        CrmObject.Note => "002",
        CrmObject.Contact => "003",
        CrmObject.User => "005",
        CrmObject.Opportunity => "006",
        CrmObject.Lead => "00Q",
        CrmObject.Task => "00T",
        CrmObject.Activity => "00U",
        CrmObject.CampaignMember => "00v",
        CrmObject.Campaign => "701",
        _ => throw new ArgumentOutOfRangeException(nameof(kind)),
    };

    /// <summary>One character for each five: bit i is set when the i-th of them is upper case.</summary>
    private static char[] Suffix(ReadOnlySpan<char> id)
    {
        var suffix = new char[3];
        for (var chunk = 0; chunk < 3; chunk++)
        {
            var bits = 0;
            for (var i = 0; i < 5; i++)
                bits |= char.IsAsciiLetterUpper(id[(chunk * 5) + i]) ? 1 << i : 0;
            suffix[chunk] = Suffixes[bits];
        }
        return suffix;
    }
}
