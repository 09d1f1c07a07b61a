namespace LeadPipeline.Mcp.Crm.HubSpot;

/// <summary>A contact's being in a campaign: one of the values of a property, told as a record of its own.</summary>
internal static class CampaignMembership
{
    /// <summary>The campaigns in a property's value.</summary>
    public static string[] Values(string? property) => property?.Split(';', StringSplitOptions.RemoveEmptyEntries | StringSplitOptions.TrimEntries) ?? [];

    /// <summary>The membership's id: <c>CONTACT/CAMPAIGN</c>.</summary>
    public static string Id(string contact, string campaign) => $"{contact}/{campaign}";

    /// <summary>Contact and campaign of an id; null: it is none.</summary>
    public static (string Contact, string Campaign)? Parse(string id) => id.Split('/', 2) is [{ Length: > 0 } contact, { Length: > 0 } campaign] ? (contact, campaign) : null;

    /// <summary>The membership as a record.</summary>
    public static CrmRecord Record(string contact, string campaign) => new(CrmObject.CampaignMember, Id(contact, campaign),
        new Dictionary<string, string> { [CrmFields.Lead] = contact, [CrmFields.Campaign] = campaign }, "1");
}
