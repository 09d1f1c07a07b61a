namespace LeadPipeline.Worker.Tests.Saga.Exploration;

/// <summary>The rules of delivery, tried in every state that they can come to; and each rule left out, to see that it was needed and would be missed.</summary>
[TestFixture]
[Parallelizable]
public sealed class When_everything_that_can_happen_happens
{
    [TestCase(2, 1, 1, 0)]
    [TestCase(1, 2, 1, 1)]
    [TestCase(1, 1, 2, 2)]
    public async Task Should_lose_no_lead_and_do_nothing_twice(int crashes, int copies, int lostSends, int deferrals)
    {
        var explorer = new Explorer(new Rules());

        var wrong = explorer.Explore(new Misfortunes(crashes, copies, lostSends, deferrals));

        await TestContext.Out.WriteLineAsync($"{explorer.States} states");
        using (Assert.EnterMultipleScope())
        {
            Assert.That(wrong, Is.Null);
            Assert.That(explorer.States, Is.GreaterThan(1000), "there was something to explore");
        }
    }

    [Test]
    public void Should_need_no_sweeper_as_long_as_every_send_is_confirmed() =>
        Assert.That(new Explorer(new Rules { Sweeps = false }).Explore(new Misfortunes(Crashes: 1, Copies: 1, LostSends: 0, Deferrals: 1)), Is.Null);

    private static IEnumerable<TestCaseData> Broken()
    {
        yield return Case("acknowledged before the commit", new Rules { AcknowledgesLast = false }, "never comes to an end");
        yield return Case("sent before the commit", new Rules { CommitsBeforeSending = false, Sweeps = false }, "never comes to an end", lostSends: 0);
        yield return Case("not sent again", new Rules { SendsAgain = false, Sweeps = false }, "never comes to an end", lostSends: 0);
        yield return Case("a lost send that nobody looks for", new Rules { Sweeps = false }, "never comes to an end");
        yield return Case("versions not checked", new Rules { ChecksVersions = false }, "twice");
        yield return Case("the CRM called before the epoch is durable", new Rules { OpensEpochFirst = false }, "twice");
        yield return Case("not read back", new Rules { ReadsBack = false }, "twice");
        yield return Case("taken from a living worker", new Rules { RespectsOwners = false }, "twice");

        static TestCaseData Case(string name, Rules rules, string finding, int lostSends = 1) => new TestCaseData(rules, lostSends, finding).SetArgDisplayNames(name);
    }

    [TestCaseSource(nameof(Broken))]
    public async Task Should_notice_a_broken_rule(Rules rules, int lostSends, string finding)
    {
        var wrong = new Explorer(rules).Explore(new Misfortunes(Crashes: 1, Copies: 1, lostSends, Deferrals: 0));

        await TestContext.Out.WriteLineAsync(wrong);
        Assert.That(wrong, Does.Contain(finding));
    }
}
