using LeadPipeline.Contracts;
using LeadPipeline.Mcp.Crm;
using LeadPipeline.Mcp.Execution;
using static LeadPipeline.Mcp.Tests.Crm.ConformanceRun;

namespace LeadPipeline.Mcp.Tests.Crm;

public abstract partial class CrmConformance
{
    [Test]
    public async Task Should_turn_a_lead_into_a_contact_of_the_account()
    {
        var (lead, account) = (await ConvertibleAsync(), await AccountAsync());
        if (!await HasAsync(CrmCapability.Conversion, () => Task.FromResult(Convert(lead, account))))
            return;

        var run = await DoneAsync(Convert(lead, account));

        var record = await GetAsync(CrmObject.Lead, lead);
        var contact = await GetAsync(CrmObject.Contact, run.Effect("convert_lead").Data[CrmFields.ConvertedContact]);
        using (Assert.EnterMultipleScope())
        {
            Assert.That((record[CrmFields.Status], record[CrmFields.ConvertedContact], record[CrmFields.ConvertedAccount]), Is.EqualTo(("Converted", contact.Id, account)));
            Assert.That((contact[CrmFields.Account], contact[CrmFields.Email], contact[CrmFields.LastName]), Is.EqualTo((account, Email, "Lovelace")));
            Assert.That(run.Effect("convert_lead").State, Is.EqualTo(EffectState.Confirmed));
        }
    }

    [Test]
    public async Task Should_convert_in_an_epoch_of_its_own_when_all_else_is_settled()
    {
        var user = await UserAsync();
        var plan = Plan(
            Upsert(), Step("assign_owner", $$"""{ {{Lead}},"owner":"{{user}}"}"""), Match("$steps.upsert_lead.recordId"), ATask("$steps.upsert_lead.recordId"),
            Convert("$steps.upsert_lead.recordId", "$steps.match_account.recordId"));
        if (Under.Lacks.Contains(CrmCapability.Conversion))
            return;

        var outcome = await plan.ToTheEndAsync();

        using (Assert.EnterMultipleScope())
        {
            Assert.That(outcome, Is.TypeOf<PlanOutcome.Finished>());
            Assert.That(plan.Epochs, Is.EqualTo(new[] { (string[])["upsert_lead", "assign_owner", "match_account", "create_task"], ["convert_lead"] }));
            Assert.That(plan.Effects.Select(e => e.State), Is.All.EqualTo(EffectState.Confirmed));
            Assert.That((await GetAsync(CrmObject.Lead, plan.Record("upsert_lead")))[CrmFields.Status], Is.EqualTo("Converted"));
            Assert.That(await ContactsAsync(), Has.Count.EqualTo(1));
        }
    }

    [TestCase(CrmFields.Owner)]
    [TestCase(CrmFields.Company)]
    public async Task Should_not_convert_a_lead_that_lacks_something(string field)
    {
        if (Under.Lacks.Contains(CrmCapability.Conversion))
            return;
        var lead = await ConvertibleAsync();
        await Under.EditAsync(CrmObject.Lead, lead, field, null);

        Assert.That(await RefusedAsync(Convert(lead, await AccountAsync())), Does.StartWith(CrmCodes.NotConvertible + ":").And.Contain(field));
    }

    [Test]
    public async Task Should_not_convert_a_lead_twice_nor_change_its_status_afterwards()
    {
        if (Under.Lacks.Contains(CrmCapability.Conversion))
            return;
        var (lead, account) = (await ConvertibleAsync(), await AccountAsync());
        _ = await DoneAsync(Convert(lead, account));

        using (Assert.EnterMultipleScope())
        {
            Assert.That(await RefusedAsync(Convert(lead, account)), Does.StartWith(CrmCodes.NotConvertible + ":"));
            Assert.That(await RefusedAsync(Step("update_lead_status", $$"""{"leadId":"{{lead}}","status":"Working"}""")), Does.StartWith(CrmCodes.InvalidStatus + ":"));
            Assert.That(await ContactsAsync(), Has.Count.EqualTo(1));
        }
    }

    [Test]
    public async Task Should_convert_once_whatever_passing_fault_the_call_meets([ValueSource(nameof(Passing))] PlannedFault fault)
    {
        if (Under.Lacks.Contains(CrmCapability.Conversion))
            return;
        var (lead, account) = (await ConvertibleAsync(), await AccountAsync());
        Under.FailNext(fault, "convert_lead", CrmObject.Lead);

        var run = await DoneAsync(Activity(lead), Convert(lead, account));

        await Under.SettleAsync();
        using (Assert.EnterMultipleScope())
        {
            Assert.That(run.Effects.Select(e => e.State), Is.All.EqualTo(EffectState.Confirmed));
            Assert.That((await GetAsync(CrmObject.Lead, lead))[CrmFields.ConvertedContact], Is.EqualTo((await ContactsAsync()).Single().Id));
            Assert.That((run.Record("convert_lead"), run.Effect("convert_lead").Data[CrmFields.ConvertedContact]), Is.EqualTo((lead, (await ContactsAsync()).Single().Id)));
            Assert.That(run.Effect("convert_lead").Data[CrmFields.ConvertedAccount], Is.EqualTo(account));
            Assert.That(await OfLeadAsync(CrmObject.Activity, lead), Has.Count.EqualTo(1));
        }
    }

    [Test]
    public async Task Should_undo_what_came_before_a_conversion_that_is_refused()
    {
        if (Under.Lacks.Contains(CrmCapability.Conversion))
            return;
        var (lead, account) = (await ConvertibleAsync((CrmFields.Score, "12")), await AccountAsync());
        var run = Plan(Step("set_lead_score", $$"""{"leadId":"{{lead}}","score":85}"""), Convert(lead, account, critical: true));
        Under.FailNext(PlannedFault.PartRefused, "convert_lead", CrmObject.Lead);

        var outcome = await run.ToTheEndAsync();

        var record = await GetAsync(CrmObject.Lead, lead);
        using (Assert.EnterMultipleScope())
        {
            Assert.That(outcome, Is.TypeOf<PlanOutcome.Undone>());
            Assert.That((record[CrmFields.Score], record[CrmFields.ConvertedContact]), Is.EqualTo(("12", (string?)null)));
        }
    }

    private static PlanStep Convert(string lead, string account, bool critical = false) => Step("convert_lead", $$"""{"leadId":"{{lead}}","accountId":"{{account}}"}""", critical);

    private async Task<string> ConvertibleAsync(params (string Field, string Value)[] more) => await KnownLeadAsync([(CrmFields.Owner, await UserAsync()), .. more]);
}
