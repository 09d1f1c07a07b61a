namespace LeadPipeline.Mcp.Crm.Salesforce;

/// <summary>
/// The shape of Salesforce's record ids: three characters that tell the kind, twelve that tell the record, and three that guard the case of
/// the others. An id comes from a ledger or from a person and ends up in addresses and queries, so it is looked at first.
/// </summary>
public static class SalesforceIds
{
    private const string Suffixes = "ABCDEFGHIJKLMNOPQRSTUVWXYZ012345";

    /// <summary>The id in its long form, or null when it is no id of this kind.</summary>
    /// <param name="id">15 or 18 letters and digits.</param>
    /// <param name="kind">The kind that its prefix must tell.</param>
    public static string? Normalise(string? id, CrmObject kind)
    {
        if (id is not { Length: 15 or 18 } || !id.StartsWith(Prefix(kind), StringComparison.Ordinal) || !id.All(char.IsAsciiLetterOrDigit))
            return null;
        var suffix = Suffix(id.AsSpan(0, 15));
        // The suffix itself is written in upper case, but it is not what tells two records apart.
        return id.Length == 15 || id.AsSpan(15).Equals(suffix, StringComparison.OrdinalIgnoreCase) ? id[..15] + suffix : null;
    }

    /// <summary>The first three characters of the ids of a kind. What we log and note is kept as tasks, see <c>docs/decisions</c>.</summary>
    public static string Prefix(CrmObject kind) => kind switch
    {
        CrmObject.Account => "001",
        CrmObject.Contact => "003",
        CrmObject.User => "005",
        CrmObject.Opportunity => "006",
        CrmObject.Lead => "00Q",
        CrmObject.Task or CrmObject.Activity or CrmObject.Note => "00T",
        CrmObject.CampaignMember => "00v",
        CrmObject.Campaign => "701",
        _ => throw new ArgumentOutOfRangeException(nameof(kind), kind, "Salesforce has no such records for us."),
    };

    /// <summary>The three characters that follow from the other fifteen: one for each five, bit i set when the i-th is upper case.</summary>
    public static string Suffix(ReadOnlySpan<char> id)
    {
        Span<char> suffix = stackalloc char[3];
        for (var chunk = 0; chunk < 3; chunk++)
        {
            var bits = 0;
            for (var i = 0; i < 5; i++)
                bits |= char.IsAsciiLetterUpper(id[(chunk * 5) + i]) ? 1 << i : 0;
            suffix[chunk] = Suffixes[bits];
        }
        return new string(suffix);
    }
}
