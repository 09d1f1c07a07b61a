using LeadPipeline.Contracts;
using LeadPipeline.Mcp.Crm;
using LeadPipeline.Mcp.Registry;

namespace LeadPipeline.Mcp.Tests.Registry;

[TestFixture]
public sealed class ToolRegistryTests
{
    [TestCase("delete_lead")]
    [TestCase("delete_all")]
    [TestCase("mass_update")]
    [TestCase("mass_email")]
    [TestCase("bulk_update_leads")]
    [TestCase("merge_accounts")]
    [TestCase("hard_delete")]
    [TestCase("apply_schema_change")]
    [TestCase("schema_change")]
    [TestCase("permission_change_user")]
    [TestCase("execute_soql_query")]
    [TestCase("executequery")]
    [TestCase("execute_raw_query_now")]
    [TestCase("export")]
    [TestCase("lead_export_csv")]
    [TestCase("DELETE_LEAD")]
    public void Should_refuse_a_forbidden_name_with_rule_reason_and_alternative(string name)
    {
        var rule = ForbiddenTools.Find(name)!;

        var refusal = Assert.Throws<InvalidOperationException>(() => _ = new ToolRegistry([new Named(name)]));

        Assert.That(refusal!.Message, Does.Contain(name).And.Contain(rule.Pattern).And.Contain(rule.Reason).And.Contain(rule.Alternative));
    }

    [Test]
    public void Should_have_a_reason_and_an_alternative_for_each_of_the_nine_rules()
    {
        Assert.That(ForbiddenTools.All.Select(r => r.Pattern), Is.EqualTo(new[]
        {
            "delete_*", "mass_*", "bulk_*", "merge_*", "hard_delete", "*schema_change*", "*permission_change*", "execute*query*", "*export*",
        }));
        Assert.That(ForbiddenTools.All, Has.All.Matches<ForbiddenTool>(r => r.Reason.Length > 20 && r.Alternative.Length > 20));
    }

    [TestCase("deleteLead")]
    [TestCase("delete-lead")]
    [TestCase("")]
    [TestCase("upsert lead")]
    public void Should_refuse_a_name_that_is_not_snake_case(string name) =>
        Assert.That(() => new ToolRegistry([new Named(name)]), Throws.InvalidOperationException);

    [Test]
    public void Should_refuse_a_name_that_is_taken() =>
        Assert.That(() => new ToolRegistry([new Named("tag_lead"), new Named("tag_lead")]), Throws.InvalidOperationException.With.Message.Contains("tag_lead"));

    [Test]
    public void Should_hold_the_tools_of_the_default_policy()
    {
        var registry = ToolRegistry.Default();

        Assert.That(registry.All.Select(t => t.Name), Is.EquivalentTo(new[]
        {
            "upsert_lead", "set_lead_score", "set_intent_level", "match_account", "create_opportunity", "attach_campaign", "create_task",
            "create_follow_up", "log_activity", "add_note", "sync_firmographics", "sync_enrichment_metadata",
        }));
        using (Assert.EnterMultipleScope())
        {
            Assert.That(registry.Find("upsert_lead"), Is.Not.Null);
            Assert.That(registry.Find("convert_lead"), Is.Null);
            Assert.That(registry.All, Has.All.Matches<CrmTool>(t => t.Results.Contains("recordId") && t.Description.EndsWith('.')));
        }
    }

    private sealed class Named(string name) : CrmTool
    {
        public override string Name => name;
        public override string Description => "Does nothing.";
        public override ToolCategory Category => ToolCategory.FieldUpdates;
        public override ToolParameters Parameters { get; } = new();
        public override Compensation Compensation => Compensation.None;
        public override UnknownOutcome UnknownOutcome => UnknownOutcome.CannotRead;
        public override ToolDecision Decide(ToolCall call, CrmView view) => new ToolDecision.Unchanged(null);
    }
}
