using System.Text.Json.Nodes;
using LeadPipeline.Mcp.Crm;
using LeadPipeline.Mcp.Registry;
using LeadPipeline.Mcp.Tools;
using static LeadPipeline.Mcp.Tests.Tools.ToolCase;

namespace LeadPipeline.Mcp.Tests.Tools;

/// <summary>The tools that create one record: opportunity, campaign member, task, activity and note.</summary>
[TestFixture]
public sealed class RecordToolTests
{
    private static readonly ToolRegistry Tools = ToolRegistry.Default();

    private static readonly CrmView WithCampaign = new() { Campaign = Record(CrmObject.Campaign, "C1", null, ("name", "Spring")) };

    private static readonly TestCaseData[] Valid =
    [
        new("create_task", CrmObject.Task, """{"leadId":"L1","subject":"Call","dueDate":"2026-01-16"}""",
            """{"leadId":"L1","subject":"Call","priority":"Normal","dueDate":"2026-01-16"}"""),
        new("create_task", CrmObject.Task, """{"leadId":"@upsert_lead","subject":"Call","priority":"High","dueDate":"2026-01-15","description":"Why","opportunityId":"O1"}""",
            """{"leadId":"@upsert_lead","opportunityId":"O1","subject":"Call","priority":"High","dueDate":"2026-01-15","body":"Why"}"""),
        new("create_follow_up", CrmObject.Task, """{"leadId":"L1","subject":"Later","dueDate":"2026-01-29"}""",
            """{"leadId":"L1","subject":"Later","priority":"Normal","dueDate":"2026-01-29"}"""),
        new("log_activity", CrmObject.Activity, """{"leadId":"L1","subject":"Seen","body":"b"}""", """{"leadId":"L1","subject":"Seen","body":"b"}"""),
        new("add_note", CrmObject.Note, """{"leadId":"L1","title":"Why","body":"b"}""", """{"leadId":"L1","title":"Why","body":"b"}"""),
        new("attach_campaign", CrmObject.CampaignMember, """{"leadId":"L1","campaignId":"Spring"}""", """{"leadId":"L1","campaignId":"C1"}"""),
        new("create_opportunity", CrmObject.Opportunity, Opportunity(),
            """{"name":"Acme – Inbound","accountId":"A1","leadId":"L1","stage":"Prospecting","closeDate":"2026-04-15"}"""),
        new("create_opportunity", CrmObject.Opportunity, Opportunity("amount", 12000.5m, "currency", "EUR"),
            """{"name":"Acme – Inbound","accountId":"A1","leadId":"L1","stage":"Prospecting","closeDate":"2026-04-15","amount":"12000.5","currency":"EUR"}"""),
    ];

    [TestCaseSource(nameof(Valid))]
    public void Should_create_one_record_with_the_effect_key(string tool, CrmObject kind, string arguments, string fields)
    {
        var create = OnlyCreate(Decide(Tools.Find(tool)!, WithCampaign, arguments));

        using (Assert.EnterMultipleScope())
        {
            Assert.That((create.Step, create.Tool, create.Object, create.EffectKey), Is.EqualTo(("step", tool, kind, Effect)));
            Assert.That(JsonNode.DeepEquals(JsonNode.Parse(fields), new JsonObject(create.Fields.Select(f => KeyValuePair.Create(f.Key, (JsonNode?)f.Value)))), Is.True,
                string.Join(", ", create.Fields));
        }
    }

    [TestCaseSource(nameof(Valid))]
    public void Should_answer_the_first_record_when_the_step_ran_before(string tool, CrmObject kind, string arguments, string fields)
    {
        var unchanged = As<ToolDecision.Unchanged>(Decide(Tools.Find(tool)!, Replayed(kind, "X1"), arguments));

        Assert.That((unchanged.RecordId, unchanged.Warning), Is.EqualTo(("X1", CrmCodes.Replayed)), fields);
        Assert.That(Tools.Find(tool)!.Creates, Is.EqualTo(kind));
    }

    [TestCase("intent", "Medium Fit", CrmCodes.IntentTooLow)]
    [TestCase("score", 74, CrmCodes.ScoreTooLow)]
    [TestCase("stage", "Closed Won", CrmCodes.InvalidStage)]
    [TestCase("stage", "Dreaming", CrmCodes.InvalidStage)]
    [TestCase("amount", 0, CrmCodes.InvalidArguments)]
    [TestCase("amount", 100, CrmCodes.InvalidArguments, Description = "no currency")]
    [TestCase("currency", "EUR", CrmCodes.InvalidArguments, Description = "no amount")]
    public void Should_refuse_an_opportunity(string parameter, object value, string code) =>
        Assert.That(As<ToolDecision.Refuse>(Decide(new CreateOpportunity(), View(), Opportunity(parameter, value))).Code, Is.EqualTo(code));

    [TestCase("")]
    [TestCase(null)]
    public void Should_refuse_an_opportunity_without_an_account(string? account)
    {
        var arguments = JsonNode.Parse(Opportunity())!.AsObject();
        arguments["accountId"] = account;

        var decision = new CreateOpportunity().Decide(new ToolCall("step", arguments, Effect, Now, t => t), View());

        Assert.That(As<ToolDecision.Refuse>(decision).Code, Is.EqualTo(CrmCodes.AccountRequired));
    }

    [Test]
    public void Should_refuse_a_campaign_that_is_not_there() =>
        Assert.That(As<ToolDecision.Refuse>(Decide(new AttachCampaign(), View(), """{"leadId":"L1","campaignId":"Spring"}""")).Code, Is.EqualTo(CrmCodes.UnknownCampaign));

    [Test]
    public void Should_leave_a_lead_that_is_a_member()
    {
        var view = WithCampaign with
        {
            Records = new Dictionary<string, CrmRecord> { ["M1"] = Record(CrmObject.CampaignMember, "M1", null, ("leadId", "L1"), ("campaignId", "C1")) },
        };

        Assert.That(As<ToolDecision.Unchanged>(Decide(new AttachCampaign(), view, """{"leadId":"L1","campaignId":"C1"}""")).RecordId, Is.EqualTo("M1"));
    }

    [Test]
    public void Should_move_a_due_date_that_has_passed_to_today_and_say_so()
    {
        var decision = Decide(new CreateTask(), View(), """{"leadId":"L1","subject":"Call","dueDate":"2026-01-12"}""");

        using (Assert.EnterMultipleScope())
        {
            Assert.That(OnlyCreate(decision).Fields["dueDate"], Is.EqualTo("2026-01-15"));
            Assert.That(((ToolDecision.Write)decision).Warning, Does.Contain("2026-01-12").And.Contain("2026-01-15"));
        }
    }

    [TestCase("L1", true)]
    [TestCase("$steps.upsert_lead.recordId", false)]
    public void Should_ask_for_the_lead_when_its_id_is_known(string leadId, bool asks)
    {
        var query = new CreateTask().Ask(new CrmQuery(), new JsonObject { ["leadId"] = leadId });

        Assert.That(query.Records, asks ? Is.EqualTo(new[] { (CrmObject.Lead, "L1") }) : Is.Empty);
    }

    private static string Opportunity(params object[] overrides)
    {
        var arguments = JsonNode.Parse("""
            {"leadId":"L1","accountId":"A1","name":"Acme – Inbound","stage":"Prospecting","closeDate":"2026-04-15","intent":"High Fit","score":75}
            """)!.AsObject();
        for (var i = 0; i < overrides.Length; i += 2)
            arguments[(string)overrides[i]] = JsonValue.Create(overrides[i + 1]);
        return arguments.ToJsonString();
    }
}
