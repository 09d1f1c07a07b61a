using System.Text;
using LeadPipeline.Contracts;
using LeadPipeline.Worker.Planning;

namespace LeadPipeline.Worker.Tests.Planning;

[TestFixture]
public sealed class PolicyReaderTests
{
    // Lines 1 to 5; a case adds steps from line 6 on.
    private const string Head = "version: 1\nname: test\nplans:\n  ROUTE_TO_SDR:\n    - { id: u, tool: upsert_lead, arguments: { email: $lead.email } }\n";
    private const string Match = "    - { id: m, tool: match_account, arguments: { leadId: $steps.u.recordId } }\n";

    [TestCase("{ id: n, tool: add_note, arguments: { leadId: $steps.u.recordId, title: t, body: b }, note: x }", "'note' is not a key here")]
    [TestCase("{ id: n, tool: add_noet, arguments: {} }", "there is no tool 'add_noet'; did you mean 'add_note'?")]
    [TestCase("{ id: n, arguments: {} }", "a step needs a 'tool'")]
    [TestCase("{ tool: add_note, arguments: { leadId: $steps.u.recordId, title: t, body: b } }", "a step needs an 'id'")]
    [TestCase("{ id: 'a b', tool: add_note, arguments: { leadId: $steps.u.recordId, title: t, body: b } }", "a step needs an 'id'")]
    [TestCase("{ id: u, tool: upsert_lead, arguments: { email: $lead.email } }", "the id 'u' is taken")]
    [TestCase("{ id: n, tool: delete_lead, arguments: {} }", "'delete_lead' is forbidden")]
    [TestCase("{ id: n, tool: mass_update, arguments: {} }", "'mass_update' is forbidden")]
    [TestCase("{ id: n, tool: add_note, arguments: { leadId: $steps.u.recordId, title: t } }", "'add_note' needs the argument 'body'")]
    [TestCase("{ id: n, tool: add_note }", "'add_note' needs the argument 'leadId'")]
    [TestCase("{ id: n, tool: add_note, arguments: { leadId: $steps.u.recordId, title: t, body: b, colour: red } }", "'add_note' has no parameter 'colour'")]
    [TestCase("{ id: n, tool: add_note, arguments: [leadId] }", "'arguments' is not a mapping")]
    [TestCase("{ id: n, tool: add_note, arguments: { leadId: $steps.z.recordId, title: t, body: b } }", "there is no step 'z' in this plan")]
    [TestCase("{ id: n, tool: add_note, arguments: { leadId: $steps.n.recordId, title: t, body: b } }", "the step refers to its own result")]
    [TestCase("{ id: n, tool: add_note, arguments: { leadId: $steps.last.recordId, title: t, body: b } }", "'last' comes later in this plan")]
    [TestCase("{ id: n, tool: add_note, arguments: { leadId: $steps.u.colour, title: t, body: b } }", "'upsert_lead' has no result 'colour'")]
    [TestCase("{ id: n, tool: add_note, arguments: { leadId: $steps.u, title: t, body: b } }", "'$steps.u' is not a reference")]
    [TestCase("{ id: n, tool: add_note, arguments: { leadId: $steps.u.recordId, title: $steps.u.recordId, body: b } }", "'title' is not a record id")]
    [TestCase("{ id: n, tool: add_note, arguments: { leadId: $steps.u.recordId, title: 7, body: b } }", "title has the wrong type; give text")]
    [TestCase("{ id: n, tool: add_note, arguments: { leadId: $steps.u.recordId, title: t, body: } }", "'body' has no value that can be read")]
    [TestCase("{ id: n, tool: add_note, arguments: { leadId: $steps.u.recordId, title: t, body: $notes } }", "'notes' is not something that is known when a plan is made; did you mean 'note'?")]
    [TestCase("{ id: n, tool: add_note, arguments: { leadId: $steps.u.recordId, title: '{compny|x}', body: b } }", "'compny' is not something that is known")]
    [TestCase("{ id: n, tool: add_note, arguments: { leadId: $steps.u.recordId, title: '{company', body: b } }", "has a '{' without its '}'")]
    [TestCase("{ id: n, tool: create_task, arguments: { leadId: $steps.u.recordId, subject: s, dueDate: soon } }", "dueDate has the wrong type")]
    [TestCase("{ id: n, tool: create_task, arguments: { leadId: $steps.u.recordId, subject: s, dueDate: $company } }", "'dueDate' wants a value of type Date")]
    [TestCase("{ id: n, tool: create_task, arguments: { leadId: $steps.u.recordId, subject: s, dueDate: $today+14x } }", "'today+14x' is not something that is known")]
    [TestCase("{ id: n, tool: create_task, arguments: { leadId: $steps.u.recordId, subject: s, dueDate: $today, priority: Urgent } }", "priority is 'Urgent'; use one of: Normal, High")]
    [TestCase("{ id: n, tool: upsert_lead, arguments: { email: $lead.email, status: Sold } }", "status is 'Sold'")]
    [TestCase("{ id: n, tool: upsert_lead, arguments: { email: $lead.email, title: $lead.company } }", "'title' cannot be $lead.company")]
    [TestCase("{ id: n, tool: upsert_lead, arguments: { email: $lead.email, phone: $lead.message } }", "'phone' cannot be $lead.message")]
    [TestCase("{ id: n, tool: set_lead_score, arguments: { leadId: $steps.u.recordId, score: 99 } }", "'score' is written from evidence only; give $score")]
    [TestCase("{ id: n, tool: sync_firmographics, arguments: { leadId: $steps.u.recordId, industry: $lead.company } }", "'industry' is written from evidence only; give $enrichment.industry")]
    [TestCase("{ id: n, tool: add_note, critical: yes please, arguments: { leadId: $steps.u.recordId, title: t, body: b } }", "'critical' is not true or false")]
    [TestCase("{ id: n, tool: add_note, needsApproval: 1, arguments: { leadId: $steps.u.recordId, title: t, body: b } }", "'needsApproval' is not true or false")]
    [TestCase("{ id: n, tool: add_note, when: score >= 7, arguments: { leadId: $steps.u.recordId, title: t, body: b } }", "'when' is not a list")]
    [TestCase("{ id: n, tool: convert_lead, arguments: {} }", "'convert_lead' cannot be undone, so it has to be the last step")]
    [TestCase("{ id: n, tool: tag_lead, arguments: { leadId: $steps.u.recordId, tags: $lead.source } }", "'tags' is said by the policy alone")]
    [TestCase("{ id: n, tool: tag_lead, arguments: { leadId: $steps.u.recordId, tags: nurture, allowed: '{company|x}' } }", "'allowed' is said by the policy alone")]
    [TestCase("{ id: n, tool: update_lead_fields, arguments: { leadId: $steps.u.recordId, company: $lead.company } }", "'company' is written from evidence only; give $enrichment.company")]
    [TestCase("{ id: n, tool: update_lead_fields, arguments: { leadId: $steps.u.recordId, company: Acme } }", "'company' is written from evidence only; give $enrichment.company")]
    [TestCase("{ id: n, tool: validate_existing_fields, arguments: { leadId: $steps.u.recordId, company: $company } }", "'company' is written from evidence only; give $enrichment.company")]
    [TestCase("{ id: n, tool: update_lead_status, arguments: { leadId: $steps.u.recordId, status: Converted } }", "status is 'Converted'")]
    [TestCase("{ id: n, tool: update_opportunity_stage, arguments: { opportunityId: $steps.u.recordId, stage: Sold } }", "stage is 'Sold'")]
    [TestCase("add_note", "a step is a mapping")]
    public void Should_refuse_a_step_with_file_and_line(string step, string fault)
    {
        var reading = Read($"{Head}    - {step}\n    - {{ id: last, tool: add_note, arguments: {{ leadId: $steps.u.recordId, title: t, body: b }} }}\n");

        Assert.That(reading.Result, Is.Null);
        Assert.That(reading.Faults, Has.Some.StartsWith("p.yaml:6: ").And.Some.Contains(fault), string.Join("\n", reading.Faults));
    }

    [TestCase("{ id: n, tool: create_lead, arguments: { email: $lead.email, owner: sam.rivera@crm.example } }")]
    [TestCase("{ id: n, tool: assign_owner, arguments: { leadId: $steps.u.recordId, owner: Sam Rivera } }")]
    [TestCase("{ id: n, tool: update_lead_status, arguments: { leadId: $steps.u.recordId, status: Qualified } }")]
    [TestCase("{ id: n, tool: update_lead_fields, arguments: { leadId: $steps.u.recordId, company: $enrichment.company, industry: $enrichment.industry, onlyEmpty: true } }")]
    [TestCase("{ id: n, tool: tag_lead, arguments: { leadId: $steps.u.recordId, tags: vip, allowed: vip;cold } }")]
    [TestCase("{ id: n, tool: create_contact, arguments: { accountId: $steps.m.recordId, email: $lead.email, lastName: $lead.lastName } }")]
    [TestCase("{ id: n, tool: set_opportunity_value, arguments: { opportunityId: '006', amount: 100, currency: EUR } }")]
    [TestCase("{ id: n, tool: validate_existing_fields, arguments: { leadId: $steps.u.recordId, employees: $enrichment.employees } }")]
    [TestCase("{ id: n, tool: convert_lead, when: [account exists], arguments: { leadId: $steps.u.recordId, accountId: $steps.m.recordId } }")]
    public void Should_take_every_tool_of_the_registry(string step)
    {
        var reading = Read($"{Head}{Match}    - {step}\n");

        Assert.That(reading.Faults, Is.Empty);
    }

    [Test]
    public void Should_take_a_condition_on_what_a_tool_found()
    {
        const string validate = "    - { id: v, tool: validate_existing_fields, arguments: { leadId: $steps.u.recordId, geo: $enrichment.geo } }\n";
        var reading = Read($"{Head}{validate}    - {{ id: n, tool: add_note, when: [steps.v.conflicts >= 1], arguments: {{ leadId: $steps.u.recordId, title: t, body: b }} }}\n");

        Assert.That(reading.Faults, Is.Empty);
    }

    [TestCase("colour = red", "'colour' is not a field")]
    [TestCase("score > 7", "'>' is not an operator")]
    [TestCase("score = high", "'score' is compared with numbers")]
    [TestCase("intent = Great", "'Great' is not a value of 'intent'")]
    [TestCase("intent >= 3", "'intent' has no order")]
    [TestCase("decision in ROUTE_TO_SDR, DROP", "'DROP' is not a value of 'decision'")]
    [TestCase("hasEnrichment = maybe", "'maybe' is not a value of 'hasEnrichment'")]
    [TestCase("crm.openOpportunitys = 0", "did you mean 'crm.openOpportunities'?")]
    [TestCase("steps.last.recordId exists", "'last' comes later")]
    [TestCase("steps.n.recordId exists", "the step refers to its own result")]
    [TestCase("steps.m.open = 0", "'match_account' has no result 'open'")]
    [TestCase("steps.m = 0", "is not a result; write steps.STEP.RESULT")]
    [TestCase("score >= 75 and intent = HIGH_FIT", "compares numbers and dates")]
    public void Should_refuse_a_condition_with_file_and_line(string condition, string fault)
    {
        var note = "tool: add_note, arguments: { leadId: $steps.u.recordId, title: t, body: b }";

        var reading = Read($"{Head}{Match}    - {{ id: n, when: ['{condition}'], {note} }}\n    - {{ id: last, {note} }}\n");

        Assert.That(reading.Faults, Has.Count.EqualTo(1));
        Assert.That(reading.Faults[0], Does.StartWith("p.yaml:7: ").And.Contain(fault));
    }

    [TestCase("", 1, "the file holds no policy")]
    [TestCase("- 1\n", 1, "the file holds no policy")]
    [TestCase("name: x\nplans: {}\n", 1, "'version' is missing")]
    [TestCase("version: 1\nplans: {}\n", 1, "'name' is missing")]
    [TestCase("version: 1\nname: x\n", 1, "'plans' is missing")]
    [TestCase("version: 1\nname: x\nplans: [a]\n", 3, "'plans' is missing or not a mapping")]
    [TestCase("version: 1\nname: x\nplan: {}\nplans: {}\n", 3, "'plan' is not a key here; did you mean 'plans'?")]
    [TestCase("version: 1\nname: x\nplans:\n  ROUTE: []\n", 4, "'ROUTE' is not a decision")]
    [TestCase("version: 1\nname: x\nplans:\n  IGNORE: none\n", 4, "the plan of IGNORE is not a list")]
    [TestCase("version: 1\nname: x\nname: y\nplans: {}\n", 3, "this is not YAML that can be read")]
    [TestCase("version: 1\nname: [\n", 3, "this is not YAML that can be read")]
    [TestCase("version: 1\nname: x\nplans: {}\n---\nversion: 2\n", 1, "several documents")]
    public void Should_refuse_a_file_with_its_line(string yaml, int line, string fault) =>
        Assert.That(Read(yaml).Faults, Has.Some.StartsWith($"p.yaml:{line}: ").And.Some.Contains(fault), string.Join("\n", Read(yaml).Faults));

    [Test]
    public void Should_refuse_bytes_that_are_not_text()
    {
        byte[] bytes = [.. Encoding.UTF8.GetBytes(Head), 0xFF, 0xFE];

        Assert.That(PolicyReader.Read("p.yaml", bytes, PlanCase.Tools).Faults, Has.Count.EqualTo(1).And.Some.Contains("not UTF-8"));
    }

    [Test]
    public void Should_tell_all_faults_at_once_in_the_order_of_the_file()
    {
        var reading = Read("version: 1\nname: x\nplans:\n  IGNORE:\n    - { id: a, tool: nope }\n    - { id: a, tool: add_note }\n  SELL: []\n");

        Assert.That(reading.Faults.Select(f => f.Split(':')[1]), Is.EqualTo(new[] { "5", "6", "6", "6", "6", "7" }));
        Assert.That(() => reading.Policy(), Throws.InstanceOf<PolicyException>().With.Message.Contains("SELL"));
    }

    [Test]
    public void Should_take_account_only_after_it_was_looked_for()
    {
        var step = "    - { id: n, when: [account exists], tool: add_note, arguments: { leadId: $steps.u.recordId, title: t, body: b } }\n";

        Assert.That(Read(Head + step).Faults, Has.Count.EqualTo(1).And.Some.Contains("no earlier step is one"));
        Assert.That(Read(Head + Match + step).Faults, Is.Empty);
    }

    [Test]
    public void Should_identify_a_policy_by_name_and_bytes()
    {
        var (one, other) = (Read(Head).Policy(), Read(Head + "# a comment\n").Policy());

        using (Assert.EnterMultipleScope())
        {
            Assert.That(one.Identity.Name, Is.EqualTo("test"));
            Assert.That(one.Identity.Hash, Is.EqualTo(CanonicalJson.Sha256Hex(Encoding.UTF8.GetBytes(Head))));
            Assert.That(other.Identity.Hash, Is.Not.EqualTo(one.Identity.Hash));
            Assert.That(one.Plans.Keys, Is.EqualTo(new[] { LeadDecision.ROUTE_TO_SDR }));
        }
    }

    [Test]
    public void Should_take_doubled_signs_for_the_signs_themselves()
    {
        var plan = new PlanCase().By($"{Head}    - {{ id: n, tool: add_note, arguments: {{ leadId: $steps.u.recordId, title: '$$5', body: '{{{{{{company}}}}}}' }} }}\n").Plan();

        Assert.That((plan.Step("n").Text("title"), plan.Step("n").Text("body")), Is.EqualTo(("$5", "{acme}")));
    }

    private static PolicyReading Read(string yaml) => PolicyReader.Read("p.yaml", Encoding.UTF8.GetBytes(yaml), PlanCase.Tools);
}
