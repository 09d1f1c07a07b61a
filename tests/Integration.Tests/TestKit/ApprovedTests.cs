namespace LeadPipeline.Integration.Tests.TestKit;

[FixtureLifeCycle(LifeCycle.InstancePerTestCase)]
public sealed class ApprovedTests : IDisposable
{
    private readonly TempFolder _project = new();
    private readonly string _caller;

    public ApprovedTests()
    {
        _project.Write("Some.csproj", "");
        _caller = _project.Write("Deep/Down/SomeTests.cs", "");
    }

    public void Dispose() => _project.Dispose();

    [Test]
    public void Should_accept_the_approved_text_whatever_its_line_endings()
    {
        _project.Write("Approved/names.approved.txt", "one\r\ntwo");
        _project.Write("Approved/names.received.txt", "left from the last run");

        Approved.Matches("names", "one\ntwo\n", _caller);

        Assert.That(File.Exists(_project["Approved/names.received.txt"]), Is.False);
    }

    [Test]
    public void Should_refuse_another_text_and_show_what_changed()
    {
        _project.Write("Approved/names.approved.txt", "one\ntwo\nthree\n");

        var refusal = Assert.Throws<NotApprovedException>(() => Approved.Matches("names", "one\n2\nthree\n", _caller));

        using (Assert.EnterMultipleScope())
        {
            Assert.That(refusal.Message, Does.Contain("  one\n- two\n+ 2\n  three\n"));
            Assert.That(File.ReadAllText(_project["Approved/names.received.txt"]), Is.EqualTo("one\n2\nthree\n"));
            Assert.That(File.ReadAllText(_project["Approved/names.approved.txt"]), Is.EqualTo("one\ntwo\nthree\n"));
        }
    }

    [Test]
    public void Should_refuse_a_text_that_nobody_has_approved_yet_every_time()
    {
        Assert.Throws<NotApprovedException>(() => Approved.Matches("names", "one", _caller));
        Assert.Throws<NotApprovedException>(() => Approved.Matches("names", "one", _caller));
    }
}
