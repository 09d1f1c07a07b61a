using System.Globalization;
using System.Text.Json.Nodes;
using LeadPipeline.Contracts;
using LeadPipeline.Mcp.Crm;
using LeadPipeline.Mcp.Registry;

namespace LeadPipeline.Bench.Tools;

/// <summary>How the bench calls one tool.</summary>
/// <param name="Tool">Its name.</param>
/// <param name="Arguments">The arguments for the n-th person, as JSON; what they refer to is in <see cref="ToolWorld"/>.</param>
internal sealed record ToolRow(string Tool, Func<ToolWorld, string> Arguments)
{
    /// <summary>Every tool of the registry.</summary>
    public static IReadOnlyList<ToolRow> All { get; } =
    [
        new("create_lead", w => $$"""{"email":"new.{{w.Email}}","lastName":"Sample","company":"{{w.Company}}"}"""),
        new("upsert_lead", w => $$"""{"email":"new.{{w.Email}}","lastName":"Sample","company":"{{w.Company}}"}"""),
        new("update_lead_status", w => $$"""{"leadId":"{{w.Lead}}","status":"Qualified"}"""),
        new("assign_owner", w => $$"""{"leadId":"{{w.Lead}}","owner":"{{w.OtherUser}}"}"""),
        new("convert_lead", w => $$"""{"leadId":"{{w.Lead}}","accountId":"{{w.Account}}"}"""),
        new("update_lead_fields", w => $$"""{"leadId":"{{w.Lead}}","industry":"Computing"}"""),
        new("set_lead_score", w => $$"""{"leadId":"{{w.Lead}}","score":85}"""),
        new("set_intent_level", w => $$"""{"leadId":"{{w.Lead}}","intent":"High Fit"}"""),
        new("tag_lead", w => $$"""{"leadId":"{{w.Lead}}","tags":"nurture"}"""),
        new("match_account", w => $$"""{"leadId":"{{w.Lead}}","domain":"new.{{w.Domain}}","company":"{{w.Elsewhere}}","createIfMissing":true}"""),
        new("create_contact", w => $$"""{"accountId":"{{w.Account}}","email":"new.{{w.Email}}","lastName":"Sample"}"""),
        new("link_contact_to_account", w => $$"""{"contactId":"{{w.Contact}}","accountId":"{{w.Account}}"}"""),
        new("create_opportunity", w => $$"""{"leadId":"{{w.Lead}}","accountId":"{{w.Account}}","name":"{{w.Company}}","stage":"Prospecting","closeDate":"2099-06-03","intent":"High Fit","score":90}"""),
        new("update_opportunity_stage", w => $$"""{"opportunityId":"{{w.Opportunity}}","stage":"Needs Analysis"}"""),
        new("set_opportunity_value", w => $$"""{"opportunityId":"{{w.Opportunity}}","amount":42000,"currency":"EUR"}"""),
        new("attach_campaign", w => $$"""{"leadId":"{{w.Lead}}","campaignId":"{{w.Campaign}}"}"""),
        new("create_task", w => $$"""{"leadId":"{{w.Lead}}","subject":"Call","dueDate":"2099-01-04"}"""),
        new("create_follow_up", w => $$"""{"leadId":"{{w.Lead}}","subject":"Call","dueDate":"2099-01-04"}"""),
        new("log_activity", w => $$"""{"leadId":"{{w.Lead}}","subject":"Lead analysed","body":"Why."}"""),
        new("add_note", w => $$"""{"leadId":"{{w.Lead}}","title":"Why","body":"Because."}"""),
        new("sync_firmographics", w => $$"""{"leadId":"{{w.Lead}}","industry":"Computing","geo":"London, GB","employees":"40"}"""),
        new("sync_enrichment_metadata", w => $$"""{"leadId":"{{w.Lead}}","provider":"directory","confidence":0.9,"enrichedAt":"2026-03-01T10:00:00Z"}"""),
        new("validate_existing_fields", w => $$"""{"leadId":"{{w.Lead}}","industry":"Computing","employees":"40"}"""),
    ];

    /// <summary>A plan of this one step.</summary>
    public ActionPlan Plan(ToolRegistry tools, ToolWorld world) => new()
    {
        Status = PlanStatus.Planned,
        Policy = new PolicyIdentity("bench", "bench"),
        PlanHash = "bench",
        Steps =
        [
            new PlanStep
            {
                Id = Tool,
                Index = 0,
                Tool = Tool,
                Critical = true,
                Compensation = tools.Find(Tool)!.Compensation,
                Arguments = JsonNode.Parse(Arguments(world))!.AsObject(),
            },
        ],
    };
}

/// <summary>What there is in the CRM for one person.</summary>
internal sealed record ToolWorld(Guid LeadId, string Name, string Lead, string Account, string Contact, string Opportunity, string OtherUser, string Campaign)
{
    public string Domain => Name + ".example";
    public string Email => "ada@" + Domain;
    public string Company => Name + " Ltd";
    /// <summary>A company that the CRM does not know and that none there resembles.</summary>
    public string Elsewhere => new string([.. Name.Reverse()]) + " Ltd";

    /// <summary>The n-th person of a tool, and what to create for it.</summary>
    public static (ToolWorld World, IReadOnlyList<CreateRecord> Records) New(string tool, int number, string user, string otherUser, string campaign, Func<CrmObject, string, string> idOf)
    {
        // Words that resemble each other would be one company to the tools that look for names.
        var name = tool.Replace("_", "", StringComparison.Ordinal) + Word(number);
        var world = new ToolWorld(
            Guid.NewGuid(), name, idOf(CrmObject.Lead, Key("lead")), idOf(CrmObject.Account, Key("account")), idOf(CrmObject.Contact, Key("contact")), idOf(CrmObject.Opportunity, Key("opportunity")), otherUser, campaign);
        return (world,
        [
            Record(CrmObject.Lead, "lead", (CrmFields.Email, world.Email), (CrmFields.LastName, "Sample"), (CrmFields.Company, world.Company), (CrmFields.Status, "Working"), (CrmFields.Owner, user)),
            Record(CrmObject.Account, "account", (CrmFields.Name, world.Company), (CrmFields.Domain, world.Domain)),
            Record(CrmObject.Contact, "contact", (CrmFields.Email, "c." + world.Email), (CrmFields.LastName, "Sample")),
            Record(CrmObject.Opportunity, "opportunity", (CrmFields.Name, name), (CrmFields.Stage, "Qualification"), (CrmFields.CloseDate, "2099-06-03"), (CrmFields.Account, "@account")),
        ]);

        string Key(string of) => $"bench/{of}/{name}";

        CreateRecord Record(CrmObject kind, string of, params ReadOnlySpan<(string Field, string Value)> fields)
        {
            var values = new Dictionary<string, string>();
            foreach (var (field, value) in fields)
                values[field] = value;
            return new CreateRecord(of, "bench", kind, Key(of), null, values);
        }
    }

    private static string Word(int number) => new([.. number.ToString("D6", CultureInfo.InvariantCulture).Select(c => (char)('a' + ((c - '0') * 2)))]);
}
