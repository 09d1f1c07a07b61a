using LeadPipeline.Mcp.Crm;
using LeadPipeline.Mcp.Crm.Mock;

namespace LeadPipeline.Worker.Storage.MockCrm;

/// <summary>What a new mock CRM holds: people to own leads, campaigns to attach them to, accounts to find.</summary>
internal static class MockCrmSeed
{
    public static IEnumerable<CrmRow> Rows(DateTimeOffset now)
    {
        foreach (var (name, email, role) in ((string, string, string)[])
            [("Sam Rivera", "sam.rivera@crm.example", "SDR"), ("Noor Haddad", "noor.haddad@crm.example", "SDR"), ("Alex Lindqvist", "alex.lindqvist@crm.example", "AE"), ("Mei Tanaka", "mei.tanaka@crm.example", "AE")])
        {
            yield return Row(CrmObject.User, email, null, now, (CrmFields.Name, name), (CrmFields.Email, email), ("role", role));
        }
        foreach (var (code, name) in ((string, string)[])[("CMP-SPRING", "Spring launch"), ("CMP-WEBINAR", "Webinar series"), ("CMP-PARTNER", "Partner referrals")])
            yield return Row(CrmObject.Campaign, code, null, now, ("code", code), (CrmFields.Name, name), (CrmFields.Status, "Active"));
        foreach (var (name, domain, industry) in ((string, string, string)[])
            [("Siemens AG", "siemens.com", "Industrial Manufacturing"), ("Spotify", "spotify.com", "Media Streaming"), ("Toyota Motor Corporation", "toyota.com", "Automotive")])
        {
            yield return Row(CrmObject.Account, domain, "seed:" + domain, now, (CrmFields.Name, name), (CrmFields.Domain, domain), (CrmFields.Industry, industry));
        }
    }

    private static CrmRow Row(CrmObject kind, string key, string? recordKey, DateTimeOffset now, params (string Field, string Value)[] fields) => new()
    {
        Object = kind,
        Id = RecordIds.For(kind, "seed/" + key),
        RecordKey = recordKey,
        Fields = fields.ToDictionary(f => f.Field, f => f.Value),
        CreatedAt = now,
        UpdatedAt = now,
    };
}
