using System.Security.Cryptography;
using System.Text;
using LeadPipeline.Mcp.Crm.Salesforce;

namespace LeadPipeline.Mcp.Crm.Mock;

/// <summary>18-character ids in Salesforce's shape: three of prefix, twelve of body, three that guard against case folding.</summary>
public static class RecordIds
{
    private const string Alphabet = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789";

    /// <summary>The id that follows from a key: the same key always gets the same id.</summary>
    public static string For(CrmObject kind, string key)
    {
        var hash = SHA256.HashData(Encoding.UTF8.GetBytes($"{kind}/{key}"));
        Span<char> id = stackalloc char[18];
        Prefix(kind).AsSpan().CopyTo(id);
        for (var i = 0; i < 12; i++)
            id[3 + i] = Alphabet[hash[i] % Alphabet.Length];
        SalesforceIds.Suffix(id[..15]).CopyTo(id[15..]);
        return new string(id);
    }

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
}
