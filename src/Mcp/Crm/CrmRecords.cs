namespace LeadPipeline.Mcp.Crm;

/// <summary>The kinds of record that a CRM keeps.</summary>
public enum CrmObject { Account, Lead, Contact, Opportunity, Task, Activity, Note, Campaign, CampaignMember, User }

/// <summary>
/// A record as read from the CRM. Field values are canonical text (numbers invariant, dates <c>yyyy-MM-dd</c>, times ISO);
/// a field that is empty is absent.
/// </summary>
/// <param name="Object">Its kind.</param>
/// <param name="Id">The CRM's own id.</param>
/// <param name="Fields">Its fields by our names (<see cref="CrmFields"/>).</param>
/// <param name="Version">Changes with every write to the record; an update or removal can be made to depend on it.</param>
/// <param name="EffectKey">The key of the step that created it, if one of ours did.</param>
/// <param name="RecordKey">Our external key (a keyed hash of the e-mail for leads, the domain for accounts), if any.</param>
public sealed record CrmRecord(
    CrmObject Object,
    string Id,
    IReadOnlyDictionary<string, string> Fields,
    string Version,
    string? EffectKey = null,
    string? RecordKey = null)
{
    /// <summary>The value of a field, or null when it is empty.</summary>
    public string? this[string field] => Fields.GetValueOrDefault(field);
}

/// <summary>Our names of CRM fields. Each provider maps them to its vendor's.</summary>
public static class CrmFields
{
    public const string Email = "email", FirstName = "firstName", LastName = "lastName", Company = "company", Title = "title",
        Phone = "phone", Website = "website", Country = "country", Message = "message", Source = "source", Status = "status",
        Owner = "owner", Score = "score", Intent = "intent", Industry = "industry", Employees = "employees",
        Revenue = "revenue", TechStack = "techStack", Geo = "geo", FoundedYear = "foundedYear", Domain = "domain",
        EnrichmentProvider = "enrichmentProvider", EnrichmentConfidence = "enrichmentConfidence", EnrichedAt = "enrichedAt",
        Name = "name", Subject = "subject", Body = "body", Priority = "priority", DueDate = "dueDate", Stage = "stage",
        CloseDate = "closeDate", Amount = "amount", Currency = "currency", Corrects = "corrects",
        Tags = "tags", ConvertedContact = "convertedContactId", ConvertedAccount = "convertedAccountId";

    // Links to other records: their values are record ids.
    public const string Lead = "leadId", Account = "accountId", Opportunity = "opportunityId", Campaign = "campaignId", Contact = "contactId";

    /// <summary>Whether a field holds the id of another record.</summary>
    public static bool IsLink(string field) => field is Lead or Account or Opportunity or Campaign or Contact;
}
