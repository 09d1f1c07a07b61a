using LeadPipeline.Mcp.Crm;
using LeadPipeline.Mcp.Registry;

namespace LeadPipeline.Mcp.Tools;

/// <summary>What a person stated about himself, as the tools that make a lead's record take it.</summary>
internal static class StatedLead
{
    /// <summary>The parameters, the address first.</summary>
    public static IReadOnlyList<ToolParameter> Parameters { get; } =
    [
        new(CrmFields.Email, ParameterType.Text, "the person's e-mail address", Required: true, MaxLength: 254),
        new(CrmFields.FirstName, ParameterType.Text, "the given name as stated", MaxLength: 100),
        new(CrmFields.LastName, ParameterType.Text, "the family name as stated", MaxLength: 100),
        new(CrmFields.Company, ParameterType.Text, "the company as stated", MaxLength: 200),
        new(CrmFields.Title, ParameterType.Text, "the job title as stated", MaxLength: 150),
        new(CrmFields.Phone, ParameterType.Text, "the telephone number as stated", MaxLength: 50),
        new(CrmFields.Website, ParameterType.Text, "the web site as stated", MaxLength: 300),
        new(CrmFields.Country, ParameterType.Text, "the country as stated", MaxLength: 100),
        new(CrmFields.Message, ParameterType.Text, "the person's own words", MaxLength: 8000),
        new(CrmFields.Source, ParameterType.Text, "where the lead came from", MaxLength: 100),
    ];

    /// <summary>What of it was given, empty texts left out.</summary>
    public static Dictionary<string, string> Given(ToolCall call)
    {
        var given = new Dictionary<string, string>();
        foreach (var parameter in Parameters)
        {
            if (call.Text(parameter.Name) is { Length: > 0 } value)
                given[parameter.Name] = value;
        }
        given[CrmFields.Email] = Email(call.Text(CrmFields.Email)!);
        return given;
    }

    /// <summary>The leads of the person. Our key is unique, so a record that carries it is the one, whatever else shares the address.</summary>
    public static List<CrmRecord> Matching(IReadOnlyList<CrmRecord> leads, string key, string email)
    {
        var byKey = leads.Where(r => r.RecordKey == key).ToList();
        return byKey.Count > 0 ? byKey : [.. leads.Where(r => r[CrmFields.Email] is { } e && Email(e) == email)];
    }

    /// <summary>An address as it is compared.</summary>
    public static string Email(string text) => text.Trim().ToLowerInvariant();
}
