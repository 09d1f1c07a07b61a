using LeadPipeline.Worker.Cli.Doctor;

namespace LeadPipeline.Worker.Tests.Cli;

[TestFixture]
public sealed class BrokerCheckTests
{
    [TestCase("4.0.5")]
    [TestCase("4.1.0-rc.1")]
    [TestCase("10.2.1")]
    public void Should_remind_of_the_limit_of_deliveries(string version) => Assert.That(BrokerCheck.NoteOn(version), Does.Contain("delivery-limit"));

    [TestCase("3.13.7")]
    [TestCase("3.10.8")]
    [TestCase("of an unknown version")]
    public void Should_say_nothing_of_brokers_without_one(string version) => Assert.That(BrokerCheck.NoteOn(version), Is.Empty);
}
