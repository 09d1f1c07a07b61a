using LeadPipeline.Mcp.Crm.Mock;

namespace LeadPipeline.Mcp.Tests.Crm;

[TestFixture]
public sealed class MockFaultsTests
{
    [TestCase(null)]
    [TestCase(" ")]
    public void Should_have_none_when_none_are_given(string? text) =>
        Assert.That(MockFaults.Parse(text).Next("create_task", "a@b.example"), Is.Null);

    [Test]
    public void Should_count_the_calls_of_each_tool_by_itself()
    {
        var faults = MockFaults.Parse("create_task=permanent@2; upsert_lead = drop_after_accept @ 1-2");

        using (Assert.EnterMultipleScope())
        {
            Assert.That(Calls("create_task"), Is.EqualTo(new MockFault?[] { null, MockFault.Permanent, null }));
            Assert.That(Calls("upsert_lead"), Is.EqualTo(new MockFault?[] { MockFault.DropAfterAccept, MockFault.DropAfterAccept, null }));
            Assert.That(Calls("add_note"), Is.All.Null);
        }

        IEnumerable<MockFault?> Calls(string tool) => [.. Enumerable.Range(0, 3).Select(_ => faults.Next(tool, "a@b.example"))];
    }

    [Test]
    public void Should_fail_the_calls_for_one_lead_or_all_of_them()
    {
        var faults = MockFaults.Parse("create_task=rate_limited@email:A@b.example;add_note=timeout@*");

        using (Assert.EnterMultipleScope())
        {
            Assert.That(faults.Next("create_task", "a@b.example"), Is.EqualTo(MockFault.RateLimited));
            Assert.That(faults.Next("create_task", "other@b.example"), Is.Null);
            Assert.That(faults.Next("add_note", "other@b.example"), Is.EqualTo(MockFault.Timeout));
        }
    }

    [TestCase("create_task", "tool=kind@calls")]
    [TestCase("create_task=broken@1", "drop_after_accept")]
    [TestCase("create_task=7@1", "drop_after_accept")]
    [TestCase("create_task=timeout@0", "a number from 1")]
    [TestCase("create_task=timeout@3-2", "a number from 1")]
    [TestCase("create_task=timeout@x", "a number from 1")]
    public void Should_say_what_is_wrong_and_what_is_allowed(string text, string hint) =>
        Assert.That(() => MockFaults.Parse(text), Throws.TypeOf<FormatException>().With.Message.Contains(hint));
}
