using System.Text.Json.Nodes;
using FsCheck;
using FsCheck.Fluent;
using LeadPipeline.Worker.Approvals;

namespace LeadPipeline.Worker.Tests.Approvals;

[TestFixture]
public sealed class ApprovalMachineTests
{
    private static readonly DateTimeOffset Now = new(2026, 3, 3, 12, 0, 0, TimeSpan.Zero);

    [TestCase(1, "ann", "approved", Description = "one is enough for what does not destroy, also the one who asked")]
    [TestCase(1, "bob", "approved")]
    [TestCase(2, "bob", "open")]
    [TestCase(2, "bob,cat", "approved")]
    public void Is_approved_by_as_many_people_as_it_needs(int needed, string people, string state)
    {
        var approval = people.Split(',').Aggregate(Request(needed), (a, p) => Act(a, new ApprovalAct.Approve(p)).Next);

        Assert.That(approval.State.ToString(), Is.EqualTo(state).IgnoreCase);
    }

    [TestCase("bob", "bob", "same-person")]
    [TestCase("bob", " BOB ", "same-person")]
    [TestCase("bob", "cli:bob", "same-person")]
    [TestCase("CLI: Bob", "bob", "same-person")]
    [TestCase("bob", "cli:ann", "own-request")]
    [TestCase("bob", "ann", "own-request")]
    [TestCase("bob", "Ann", "own-request")]
    public void Takes_two_different_people_other_than_the_one_who_asked(string first, string second, string refusal)
    {
        var half = Act(Request(2), new ApprovalAct.Approve(first)).Next;

        var decision = Act(half, new ApprovalAct.Approve(second));

        Assert.That((decision.Refusal, decision.Next.State), Is.EqualTo((refusal, ApprovalState.Open)));
    }

    [Test]
    public void Is_used_once()
    {
        var approved = Approved();
        var used = Act(approved, new ApprovalAct.Use("ann", approved.ArgumentsHash)).Next;

        var again = Act(used, new ApprovalAct.Use("ann", approved.ArgumentsHash));

        Assert.That((used.State, again.Refusal), Is.EqualTo((ApprovalState.Used, "used")));
    }

    [Test]
    public void Is_void_for_other_arguments()
    {
        var other = ApprovalMachine.Hash("delete_lead", new JsonObject { ["id"] = "2" });

        var decision = Act(Approved(), new ApprovalAct.Use("ann", other));

        using (Assert.EnterMultipleScope())
        {
            Assert.That((decision.Refusal, decision.Next.State), Is.EqualTo(("arguments-changed", ApprovalState.Expired)));
            Assert.That(Act(decision.Next, new ApprovalAct.Use("ann", Request(1).ArgumentsHash)).Refusal, Is.EqualTo("expired"), "nobody can try until it fits");
        }
    }

    [Test]
    public void Cannot_be_used_before_it_is_approved() =>
        Assert.That(Act(Request(2), new ApprovalAct.Use("ann", Request(2).ArgumentsHash)).Refusal, Is.EqualTo("not-approved"));

    [Test]
    public void Is_refused_for_good_by_one_who_says_no()
    {
        var denied = Act(Act(Request(2), new ApprovalAct.Approve("bob")).Next, new ApprovalAct.Deny("cat", "no")).Next;

        Assert.That((denied.State, Act(denied, new ApprovalAct.Approve("dan")).Refusal), Is.EqualTo((ApprovalState.Denied, "denied")));
    }

    [TestCase("{\"a\":1,\"b\":[2.0]}", "{\"b\":[2],\"a\":1.0}", true)]
    [TestCase("{\"a\":1}", "{\"a\":\"1\"}", false)]
    [TestCase("{\"a\":1}", "{\"a\":1,\"b\":null}", false)]
    public void Binds_to_what_the_arguments_mean_and_not_to_how_they_are_written(string one, string other, bool same)
    {
        string Hash(string json, string operation) => ApprovalMachine.Hash(operation, JsonNode.Parse(json)!.AsObject());

        using (Assert.EnterMultipleScope())
        {
            Assert.That(Hash(one, "x") == Hash(other, "x"), Is.EqualTo(same));
            Assert.That(Hash(one, "x"), Is.Not.EqualTo(Hash(one, "y")));
        }
    }

    [FsCheck.NUnit.Property(MaxTest = 500)]
    public Property Is_never_used_without_enough_different_people_in_time() => Prop.ForAll(Acts().ToArbitrary(), acts =>
    {
        var (approval, now) = (Request(2), Now);
        foreach (var (act, wait) in acts)
        {
            now += TimeSpan.FromHours(wait);
            approval = ApprovalMachine.Decide(approval, act, now).Next;
        }
        var yes = approval.Acts.Where(a => a.What == "approved").Select(a => a.By).ToList();
        var used = approval.Acts.SingleOrDefault(a => a.What == "used");
        return (approval.State == ApprovalState.Used) == (used is not null)
            && (used is null || (yes.Distinct().Count() == 2 && !yes.Contains("ann") && used.At < approval.ExpiresAt))
            && approval.Version == approval.Acts.Count;
    });

    private static Gen<List<(ApprovalAct Act, int Wait)>> Acts()
    {
        var person = Gen.Elements("ann", "bob", "cat");
        var act = person.Zip(Gen.Choose(0, 9), (by, kind) => kind switch
        {
            0 => (ApprovalAct)new ApprovalAct.Deny(by, null),
            1 => new ApprovalAct.Expire(by),
            2 => new ApprovalAct.Use(by, "other"),
            <= 5 => new ApprovalAct.Use(by, Request(2).ArgumentsHash),
            _ => new ApprovalAct.Approve(by),
        });
        return act.Zip(Gen.Choose(0, 6), (a, wait) => (a, wait)).ListOf().Select(l => l.ToList());
    }

    private static Approval Approved() => Act(Act(Request(2), new ApprovalAct.Approve("bob")).Next, new ApprovalAct.Approve("cat")).Next;

    private static ApprovalDecision Act(Approval approval, ApprovalAct act) => ApprovalMachine.Decide(approval, act, Now.AddHours(1));

    private static Approval Request(int needed) => new()
    {
        Id = Guid.Empty,
        Operation = "delete_lead",
        ArgumentsHash = ApprovalMachine.Hash("delete_lead", new JsonObject { ["id"] = "1" }),
        Needed = needed,
        RequestedBy = "ann",
        RequestedAt = Now,
        ExpiresAt = Now.AddHours(24),
    };
}
