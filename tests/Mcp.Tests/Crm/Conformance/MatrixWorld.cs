using LeadPipeline.Contracts;
using LeadPipeline.Mcp.Crm;

namespace LeadPipeline.Mcp.Tests.Crm;

/// <summary>A person and a company of their own for one run in the matrix, and what their CRM holds before it.</summary>
internal sealed class MatrixWorld
{
    public MatrixWorld(ICrmUnderTest under)
    {
        Under = under;
        Word = new string([.. LeadId.ToString("N").Select(c => (char)(c < 'a' ? c - '0' + 'g' : c))])[..20];
    }

    public ICrmUnderTest Under { get; }

    public Guid LeadId { get; } = Guid.NewGuid();

    public string Word { get; }

    public string Email => $"ada@{Word}.example";

    /// <summary>The record that the step is about, when it is not one that it makes.</summary>
    public string Target { get; set; } = "";

    /// <summary>The value that has to stand there afterwards, when it is not the same for all.</summary>
    public string Value { get; set; } = "";

    public Task<string> LeadAsync(params (string Field, string Value)[] more) => Under.CreateAsync(CrmObject.Lead,
        [(CrmFields.Email, Email), (CrmFields.LastName, "Lovelace"), (CrmFields.Company, $"{Word} Ltd"), (CrmFields.Status, "Working"), .. more]);

    public Task<string> AccountAsync() => Under.CreateAsync(CrmObject.Account, (CrmFields.Name, $"{Word} Holding"));

    public Task<string> UserAsync() => Under.CreateAsync(CrmObject.User, (CrmFields.Name, $"Sam {Word}"), (CrmFields.Email, $"sam@{Word}.example"));

    public async Task<string> OpportunityAsync() => await Under.CreateAsync(CrmObject.Opportunity,
        (CrmFields.Name, Word), (CrmFields.Stage, "Qualification"), (CrmFields.CloseDate, "2027-06-03"), (CrmFields.Account, await AccountAsync()));

    /// <summary>Another person's lead; what comes before the step under test hangs on it.</summary>
    public Task<string> SomebodyAsync() => Under.CreateAsync(CrmObject.Lead, (CrmFields.Email, $"other@{Word}.example"), (CrmFields.LastName, "Other"), (CrmFields.Company, "Elsewhere"));
}

/// <summary>One tool that writes, as the matrix calls it.</summary>
/// <param name="Tool">Its name.</param>
/// <param name="Kind">The kind of record that its first write is about.</param>
/// <param name="Step">Makes what has to be there, and the step.</param>
/// <param name="Field">The field that says afterwards that it took effect, on the target, or on the record that was made; null: the record alone says so.</param>
/// <param name="Value">What that field holds; null: <see cref="MatrixWorld.Value"/>.</param>
internal sealed record MatrixRow(string Tool, CrmObject Kind, Func<MatrixWorld, Task<PlanStep>> Step, string? Field = null, string? Value = null)
{
    /// <summary>All tools that write.</summary>
    public static IReadOnlyList<MatrixRow> All { get; } =
    [
        new("create_lead", CrmObject.Lead, w => Made("create_lead", $$"""{"email":"{{w.Email}}","lastName":"Lovelace","company":"{{w.Word}} Ltd"}"""), CrmFields.LastName, "Lovelace"),
        new("upsert_lead", CrmObject.Lead, w => Made("upsert_lead", $$"""{"email":"{{w.Email}}","lastName":"Lovelace","company":"{{w.Word}} Ltd"}"""), CrmFields.LastName, "Lovelace"),
        OfLead("update_lead_status", "\"status\":\"Qualified\"", CrmFields.Status, "Qualified"),
        OfLead("update_lead_fields", "\"industry\":\"Computing\"", CrmFields.Industry, "Computing"),
        OfLead("set_lead_score", "\"score\":85", CrmFields.Score, "85"),
        OfLead("set_intent_level", "\"intent\":\"High Fit\"", CrmFields.Intent, "High Fit"),
        OfLead("tag_lead", "\"tags\":\"nurture\"", CrmFields.Tags, "nurture"),
        OfLead("sync_firmographics", "\"geo\":\"London, GB\"", CrmFields.Geo, "London, GB"),
        OfLead("sync_enrichment_metadata", "\"provider\":\"directory\",\"confidence\":0.9,\"enrichedAt\":\"2026-03-01T10:00:00Z\"", CrmFields.EnrichmentProvider, "directory"),
        new("assign_owner", CrmObject.Lead, async w =>
        {
            (w.Target, w.Value) = (await w.LeadAsync(), await w.UserAsync());
            return Critical("assign_owner", $$"""{"leadId":"{{w.Target}}","owner":"{{w.Value}}"}""");
        }, CrmFields.Owner),
        new("convert_lead", CrmObject.Lead, async w =>
        {
            w.Target = await w.LeadAsync((CrmFields.Owner, await w.UserAsync()));
            return Critical("convert_lead", $$"""{"leadId":"{{w.Target}}","accountId":"{{await w.AccountAsync()}}"}""");
        }, CrmFields.Status, "Converted"),
        new("match_account", CrmObject.Account, async w => Critical("match_account", $$"""{"leadId":"{{await w.LeadAsync()}}","domain":"{{w.Word}}.example","company":"{{w.Word}} Ltd","createIfMissing":true}""")),
        new("create_contact", CrmObject.Contact, async w => Critical("create_contact", $$"""{"accountId":"{{await w.AccountAsync()}}","email":"{{w.Email}}","lastName":"Lovelace"}"""), CrmFields.LastName, "Lovelace"),
        new("link_contact_to_account", CrmObject.Contact, async w =>
        {
            (w.Target, w.Value) = (await w.Under.CreateAsync(CrmObject.Contact, (CrmFields.Email, w.Email), (CrmFields.LastName, "Lovelace")), await w.AccountAsync());
            return Critical("link_contact_to_account", $$"""{"contactId":"{{w.Target}}","accountId":"{{w.Value}}"}""");
        }, CrmFields.Account),
        new("create_opportunity", CrmObject.Opportunity, async w => Critical("create_opportunity", $$"""
            {"leadId":"{{await w.LeadAsync()}}","accountId":"{{await w.AccountAsync()}}","name":"{{w.Word}}","stage":"Prospecting","closeDate":"2027-06-03","intent":"High Fit","score":90}
            """), CrmFields.Stage, "Prospecting"),
        OfOpportunity("update_opportunity_stage", "\"stage\":\"Needs Analysis\"", CrmFields.Stage, "Needs Analysis"),
        OfOpportunity("set_opportunity_value", "\"amount\":42000,\"currency\":\"EUR\"", CrmFields.Amount, "42000"),
        new("attach_campaign", CrmObject.CampaignMember, async w =>
        {
            w.Value = await w.Under.CreateAsync(CrmObject.Campaign, (CrmFields.Name, $"Spring {w.Word}"), (CrmFields.Status, "Active"));
            w.Target = await w.LeadAsync();
            return Critical("attach_campaign", $$"""{"leadId":"{{w.Target}}","campaignId":"{{w.Value}}"}""");
        }),
        Entry("create_task", CrmObject.Task, "\"subject\":\"Call\",\"dueDate\":\"2027-01-04\""),
        Entry("create_follow_up", CrmObject.Task, "\"subject\":\"Call\",\"dueDate\":\"2027-01-04\""),
        Entry("log_activity", CrmObject.Activity, "\"subject\":\"Lead analysed\",\"body\":\"Why.\""),
        Entry("add_note", CrmObject.Note, "\"title\":\"Why\",\"body\":\"Because.\""),
    ];

    public override string ToString() => Tool;

    private static PlanStep Critical(string tool, string arguments) => ConformanceRun.Step(tool, arguments, critical: true, id: tool + "_tested");

    private static Task<PlanStep> Made(string tool, string arguments) => Task.FromResult(Critical(tool, arguments));

    private static MatrixRow OfLead(string tool, string arguments, string field, string value) => new(tool, CrmObject.Lead, async w =>
    {
        w.Target = await w.LeadAsync();
        return Critical(tool, $$"""{"leadId":"{{w.Target}}",{{arguments}}}""");
    }, field, value);

    private static MatrixRow OfOpportunity(string tool, string arguments, string field, string value) => new(tool, CrmObject.Opportunity, async w =>
    {
        w.Target = await w.OpportunityAsync();
        return Critical(tool, $$"""{"opportunityId":"{{w.Target}}",{{arguments}}}""");
    }, field, value);

    private static MatrixRow Entry(string tool, CrmObject kind, string arguments) => new(tool, kind, async w => Critical(tool, $$"""{"leadId":"{{await w.LeadAsync()}}",{{arguments}}}"""));
}
