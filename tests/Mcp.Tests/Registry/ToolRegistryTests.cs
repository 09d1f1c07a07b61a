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
    public void Should_hold_the_23_tools_and_no_other()
    {
        var registry = ToolRegistry.Default();

        Assert.That(registry.All.Select(t => t.Name), Is.EqualTo(new[]
        {
            "create_lead", "upsert_lead", "convert_lead", "assign_owner", "update_lead_status",
            "update_lead_fields", "set_lead_score", "set_intent_level", "tag_lead",
            "match_account", "create_contact", "link_contact_to_account",
            "create_opportunity", "update_opportunity_stage", "set_opportunity_value", "attach_campaign",
            "create_task", "create_follow_up", "log_activity", "add_note",
            "sync_firmographics", "sync_enrichment_metadata", "validate_existing_fields",
        }));
        Assert.That(registry.All, Has.All.Matches<CrmTool>(t => t.Results.Contains("recordId") && t.Description.EndsWith('.') && t.Guarantee.EndsWith('.')));
    }

    [Test]
    public void Should_have_one_pivot_and_nothing_that_destroys()
    {
        var tools = ToolRegistry.Default().All;

        using (Assert.EnterMultipleScope())
        {
            Assert.That(tools.Where(t => t.IsPivot).Select(t => t.Name), Is.EqualTo(new[] { "convert_lead" }));
            Assert.That(tools.Select(t => t.Class), Has.None.EqualTo(ToolClass.Destructive));
            Assert.That(tools.Where(t => t.Compensation == Compensation.None).Select(t => t.Name), Is.EqualTo(new[] { "convert_lead", "validate_existing_fields" }));
            Assert.That(tools.Where(t => t.Creates is null && t.Compensation == Compensation.Withdraw), Is.Empty);
        }
    }

    private sealed class Named(string name) : CrmTool
    {
        public override string Name => name;
        public override string Description => "Does nothing.";
        public override string Guarantee => "Nothing.";
        public override ToolCategory Category => ToolCategory.FieldUpdates;
        public override ToolParameters Parameters { get; } = new();
        public override Compensation Compensation => Compensation.None;
        public override UnknownOutcome UnknownOutcome => UnknownOutcome.CannotRead;
        public override ToolDecision Decide(ToolCall call, CrmView view) => new ToolDecision.Unchanged(null);
    }
}
