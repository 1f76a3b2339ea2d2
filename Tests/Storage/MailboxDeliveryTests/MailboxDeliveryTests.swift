import Testing

@testable import MailboxDelivery
