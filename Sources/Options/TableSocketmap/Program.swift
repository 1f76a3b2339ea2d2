import TableProgram

/// table-socketmap: tables that a server of the socketmap protocol answers.
@main struct Program {
    static func main() { TableProgram.serve(SocketmapEngine.self) }
}
